#!/bin/bash
# All static checks; each says what it is and how long it took. They run in three lanes beside each other.
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
kept=$PWD/.ai-how/cache/lint
mkdir -p "$kept"
files() { git ls-files -co --exclude-standard -- "$@"; }
# ESLint's rules look at types, which any file may change: its own cache, a file at a time, would not notice. So it is all files or none.
eslint_all() {
  local state passed=$kept/eslint.passed
  state=$(files '*.ts' '*.tsx' '*.js' '*.cjs' '*.mjs' '*.json' | sort | xargs -r -d '\n' sha256sum 2>/dev/null || true)
  # Outside a clone git knows no files.
  if [ -n "$state" ] && [ "$(cat "$passed" 2>/dev/null)" = "$state" ]; then
    echo "lint: eslint has passed these files"
  else
    step eslint eslint --max-warnings 0 .
    printf '%s\n' "$state" >"$passed"
  fi
}
types() { tsc --incremental --tsBuildInfoFile "$kept/$1.tsbuildinfo" -p "$2"; }
typescript() {
  step format prettier --check --log-level warn --cache --cache-strategy content --cache-location "$kept/prettier" .
  step types types program .
  step types-of-page types page services/pipelines/web/page
}
others() {
  step knip knip --no-progress
  mapfile -t scripts < <(files | xargs -r grep -lE '^#!(/bin/|/usr/bin/env )(ba)?sh' --)
  step shellcheck shellcheck -x "${scripts[@]}" tools/node.sh
  if command -v packer >/dev/null; then step packer packer_template; else echo "lint: packer/ is not looked at: Packer is not installed"; fi
  # Any warning of MkDocs fails: a link or an anchor that leads nowhere, a page that is in no menu.
  step docs make --silent docs
  cd ansible && step ansible-lint ansible-lint --offline -q
}
# Where a step fails, its lane ends; the others say what they have to.
eslint_all &
lanes=($!)
typescript &
lanes+=($!)
others &
lanes+=($!)
failed=0
for lane in "${lanes[@]}"; do wait "$lane" || failed=1; done
[ "$failed" = 0 ]
