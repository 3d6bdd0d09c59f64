#!/usr/bin/env bash
# Proves a SLURM cluster: one job on NODES nodes at once. Runs on the controller, with itself as standard input:
#   ansible/ssh bash -s -- NODES [PARTITION] < ansible/files/smoke-job.sh
# Prints {"jobId", "nodes": [hostnames as the nodes say them], "elapsedSeconds", "state"}; fails when the job does.
set -euo pipefail

smoke() {
  local nodes=$1 partition=${2:-} tries=0 output id record state elapsed
  # Any partition that is large enough: the first of the largest.
  partition=${partition:-$(sinfo --noheader --format='%D %R' | sort --numeric-sort --reverse | awk 'NR == 1 {print $2}')}
  await_accounting
  # A job that ends before accounting has heard of its beginning may be remembered without its name, as "allocation": the
  # first task stays until the beginning is on record.
  accounting && tries=150
  # Waits for nodes that are still on their way, but not for ever. srun would eat the rest of a script on stdin.
  # shellcheck disable=SC2016 # expanded on the nodes
  output=$(timeout 180 srun --job-name=smoke --partition="$partition" --nodes="$nodes" --ntasks-per-node=1 --time=5 \
    sh -c 'echo "$SLURM_JOB_ID $(hostname)"
      [ "$SLURM_PROCID" = 0 ] || exit 0
      for try in $(seq "$1"); do
        [ "$(sacct --noheader --parsable2 --allocations --jobs="$SLURM_JOB_ID" --format=JobName)" = smoke ] && break
        sleep 0.2
      done' smoke "$tries" </dev/null) || {
    echo "the job on $nodes nodes of partition $partition did not run; the nodes:" >&2
    sinfo --Node --long >&2
    return 1
  }
  id=$(awk 'NR == 1 {print $1}' <<<"$output")
  record=$(remembered "$id")
  IFS='|' read -r state elapsed <<<"$record"
  printf '{"jobId": %d, "nodes": [%s], "elapsedSeconds": %d, "state": "%s"}\n' "$id" \
    "$(awk '{print "\"" $2 "\""}' <<<"$output" | sort | paste --serial --delimiters=,)" "$elapsed" "$state"
  [[ $state == COMPLETED ]]
}

# Returns once accounting knows the cluster: of a job before that it remembers neither name nor account.
await_accounting() {
  local deadline=$((SECONDS + 60))
  accounting || return 0
  until [[ $(sacctmgr --noheader --parsable2 show cluster format=ControlHost) == *[0-9]* ]] || ((SECONDS > deadline)); do
    sleep 0.2
  done
}

# Not by a pipe to grep -q: it leaves at the first match, scontrol dies of that, and pipefail makes a failure of it.
accounting() { [[ $(scontrol show config) =~ AccountingStorageType\ *=\ *accounting_storage/slurmdbd ]]; }

# STATE|SECONDS of a job that has ended: from accounting, which hears of it a moment later, else from the controller.
remembered() {
  local record deadline=$((SECONDS + 120)) # a busy node may be long in signing a job off
  if accounting; then
    while ((SECONDS < deadline)); do
      record=$(sacct --noheader --parsable2 --allocations --jobs="$1" --format=State,ElapsedRaw)
      case $record in "" | PENDING* | RUNNING* | COMPLETING*) sleep 0.1 ;; *) break ;; esac
    done
    echo "$record"
  else
    scontrol show job "$1" | awk -F'[ =:]+' '
      /JobState=/ {for (i = 1; i < NF; i++) if ($i == "JobState") state = $(i + 1)}
      /RunTime=/ {for (i = 1; i < NF; i++) if ($i == "RunTime") seconds = ($(i + 1) * 60 + $(i + 2)) * 60 + $(i + 3)}
      END {print state "|" seconds}'
  fi
}

smoke "$@"
