"""Ansible callback: one line per task, failures in full, and a recap that programs can read."""

from __future__ import annotations

DOCUMENTATION = """
name: progress
type: stdout
short_description: One line per task, failures in full
description:
  - "C(slurm : slurmd runs ... ok=3 changed=1 (4.2s)) for each task once all hosts have done it, and C(recap HOST
    ok=.. changed=.. failed=.. unreachable=..) for each host at the end. What C(no_log) hides stays hidden."
"""

import collections
import json
import time

from ansible.plugins.callback import CallbackBase

# Keys of a failed result that add nothing to its message and output.
_NOISE = {
    "changed", "failed", "unreachable", "invocation", "msg", "stdout_lines", "stderr_lines", "ansible_facts",
    "argument_errors", "argument_spec_data", "validate_args_context", "failed_when_result",
}  # fmt: skip
# Actions without an effect on a machine: shown only when they fail.
_SILENT = {"assert", "include_role", "include_tasks", "include_vars", "validate_argument_spec"}


class CallbackModule(CallbackBase):
    """Counts the results of a task and prints them when the next one starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "progress"

    def __init__(self):
        super().__init__()
        self._task = None
        self._counts = collections.Counter()
        self._failures = {}  # message -> hosts
        self._started = 0.0

    def _finish_task(self):
        for (word, text), hosts in self._failures.items():
            lines = [f"{word}: {', '.join(hosts)}: {self._task}", *text.splitlines()]
            self._display.display("\n    ".join(lines), color="red")
        self._failures = {}
        if self._task is not None and self._counts:
            counts = " ".join(f"{name}={count}" for name, count in self._counts.items() if count)
            seconds = time.monotonic() - self._started
            self._display.display(f"{self._task} ... {counts} ({seconds:.1f}s)")
        self._task = None
        self._counts = collections.Counter()

    def _start_task(self, task, is_conditional=False):
        self._finish_task()
        self._task = task.get_name()
        self._started = time.monotonic()

    v2_playbook_on_task_start = _start_task
    v2_playbook_on_handler_task_start = _start_task

    def v2_playbook_on_play_start(self, play):
        self._finish_task()

    def v2_runner_on_ok(self, result):
        if result._task.action.rpartition(".")[2] in _SILENT:
            return
        self._counts["ok"] += 1
        if result.is_changed():
            self._counts["changed"] += 1
        if self._display.verbosity or result._result.get("diff"):
            self.v2_on_file_diff(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._counts["failed"] += 1
        self._explain(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result):
        self._counts["unreachable"] += 1
        self._explain(result, "unreachable")

    @staticmethod
    def _describe(shown):
        if "_ansible_item_label" in shown:
            yield f"item: {shown['_ansible_item_label']}"
        if shown.get("msg"):
            yield str(shown["msg"]).rstrip()
        for name in sorted(set(shown) - _NOISE):
            value = shown[name]
            if name.startswith("_ansible") or value in ("", [], {}, None):
                continue
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            yield f"{name}: {text.rstrip()}"

    def v2_on_file_diff(self, result):
        if result._task.diff and result._result.get("changed") and "diff" in result._result:
            text = self._get_diff(result._result["diff"])
            if text:
                self._display.display(text)

    def _explain(self, result, word):
        # clean_results and no_log have removed what must not be shown.
        shown = result._result
        if shown.get("_ansible_no_log") or result._task.no_log:
            shown = {"msg": "the output is hidden, because it may hold secrets"}
        items = [item for item in shown.get("results", []) if isinstance(item, dict) and item.get("failed")]
        lines = [line for part in items or [shown] for line in self._describe(part)]
        self._failures.setdefault((word, "\n".join(lines)), []).append(result._host.get_name())

    def v2_playbook_on_no_hosts_matched(self):
        self._display.display("no host matched", color="yellow")

    def v2_playbook_on_stats(self, stats):
        self._finish_task()
        for host in sorted(stats.processed):
            summary = stats.summarize(host)
            self._display.display(
                f"recap {host} ok={summary['ok']} changed={summary['changed']} "
                f"failed={summary['failures']} unreachable={summary['unreachable']}"
            )
