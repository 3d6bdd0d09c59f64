#!/bin/bash
# All static checks; each says what it is. ESLint, which takes as long as the rest of them, runs beside it on another processor.
# A file that is as it was at the last run, with all that its types depend on, is not looked at again where a tool can tell.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PWD/.venv/bin:$PATH"
step() {
  local started=$SECONDS
  "${@:2}"
  printf 'lint: %s (%s s)\n' "$1" $((SECONDS - started))
}
# The template with the values of each image, as the provider would give them.
packer_template() (
  folder=$(mktemp -d)
  trap 'rm -r "$folder"' EXIT
  export CHECKPOINT_DISABLE=1
  ssh-keygen -q -t ed25519 -N '' -f "$folder/key"
  packer fmt -check -diff packer
  for values in packer/*.pkrvars.hcl; do
    packer validate -var-file="$values" -var source_url="$folder/key" \
      -var "source_checksum=sha256:$(printf %064d 0)" -var output_directory="$folder/output" \
      -var seed="$folder/seed.iso" -var console_log="$folder/console" \
      -var ssh_private_key_file="$folder/key" -var ssh_host_key='ssh-ed25519 AAAA' packer
  done
)
eslint --max-warnings 0 . &
eslint=$!
trap 'kill "$eslint" 2>/dev/null || true' EXIT
kept=$PWD/.ai-how/cache/lint
types() { tsc --incremental --tsBuildInfoFile "$kept/$1.tsbuildinfo" -p "$2"; }
step format prettier --check --log-level warn --cache --cache-strategy content --cache-location "$kept/prettier" .
step types types program .
step types-of-page types page services/pipelines/web/page
step knip knip --no-progress
mapfile -t scripts < <(git ls-files -co --exclude-standard | xargs -r grep -lE '^#!(/bin/|/usr/bin/env )(ba)?sh' --)
step shellcheck shellcheck "${scripts[@]}" tools/node.sh
if command -v packer >/dev/null; then step packer packer_template; else echo "lint: packer/ is not looked at: Packer is not installed"; fi
(cd ansible && step ansible-lint ansible-lint --offline -q)
# The time that it took longer than the rest.
step eslint wait "$eslint"
