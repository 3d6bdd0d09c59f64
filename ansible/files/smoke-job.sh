#!/usr/bin/env bash
# Proves a SLURM cluster: one job on NODES nodes at once. Runs on the controller, with itself as standard input:
#   ansible/ssh bash -s -- NODES [PARTITION] < ansible/files/smoke-job.sh
# Prints {"jobId", "nodes": [each node's hostname], "elapsedSeconds", "state"}; fails if the job does.
set -euo pipefail

smoke() {
  local nodes=$1 partition=${2:-} tries=0 output id record state elapsed
  # Default: the largest partition.
  partition=${partition:-$(sinfo --noheader --format='%D %R' | sort --numeric-sort --reverse | awk 'NR == 1 {print $2}')}
  await_accounting
  # If a job ends before accounting has recorded its start, its record may lack the name ("allocation"). So the first task
  # waits for that record.
  accounting && tries=150
  # The timeout gives nodes time to boot. Without /dev/null srun would read the rest of this script from stdin.
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
  record=$(job_record "$id")
  IFS='|' read -r state elapsed <<<"$record"
  printf '{"jobId": %d, "nodes": [%s], "elapsedSeconds": %d, "state": "%s"}\n' "$id" \
    "$(awk '{print "\"" $2 "\""}' <<<"$output" | sort | paste --serial --delimiters=,)" "$elapsed" "$state"
  [[ $state == COMPLETED ]]
}

# Waits until accounting knows the cluster: earlier jobs are recorded without name and account.
await_accounting() {
  local deadline=$((SECONDS + 60))
  accounting || return 0
  until [[ $(sacctmgr --noheader --parsable2 show cluster format=ControlHost) == *[0-9]* ]] || ((SECONDS > deadline)); do
    sleep 0.2
  done
}

# No pipe to grep -q: grep exits at the first match, scontrol gets SIGPIPE, and pipefail reports a failure.
accounting() { [[ $(scontrol show config) =~ AccountingStorageType\ *=\ *accounting_storage/slurmdbd ]]; }

# STATE|SECONDS of a finished job: from accounting, which records it a moment later, else from the controller.
job_record() {
  local record deadline=$((SECONDS + 120)) # a busy node may take long to report the end
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
