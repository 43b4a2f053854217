#!/usr/bin/env bash
# lint.sh BUILD_DIR: formatting, shell scripts, file lengths, left-over notes, clang-tidy. Reports all before it fails.
# shellcheck disable=SC2317  # the checks are called by name
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
build=$1
max_lines=500

if git rev-parse --git-dir >/dev/null 2>&1; then
  mapfile -t files < <(git ls-files --cached --others --exclude-standard)
else
  mapfile -t files < <(find . -path './build*' -prune -o -path ./out -prune -o -type f -print | sed 's@^\./@@')
fi
sources=() scripts=() texts=()
for file in "${files[@]}"; do
  [[ -f $file ]] || continue
  case $file in
    *.cpp | *.h | *.bpf.c) sources+=("$file") ;;
    *.py | *.cmake | *CMakeLists.txt) texts+=("$file") ;;
    *) if [[ $file == *.sh ]] || head -c 64 "$file" | grep -qaE '^#!.*\b(ba)?sh\b'; then scripts+=("$file"); fi ;;
  esac
done

failed=0
check() {
  local what=$1
  shift
  local started=$SECONDS
  if "$@"; then
    printf 'lint: %-12s ok (%d s)\n' "$what" $((SECONDS - started))
  else
    printf 'lint: %-12s FAILED\n' "$what"
    failed=1
  fi
}

formatting() { printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 16 clang-format --dry-run -Werror; }

file_lengths() {
  local bad=0 lines file
  for file in "${sources[@]}" "${scripts[@]}"; do
    lines=$(wc -l <"$file")
    if ((lines > max_lines)); then
      echo "$file: $lines lines; split it (at most $max_lines)"
      bad=1
    fi
  done
  return "$bad"
}

# A note to oneself is an issue, not a comment. (The pattern is split so that it does not find itself.)
left_overs() { ! grep -nE '\b(TO''DO|FIX''ME|XX''X)\b' "${sources[@]}" "${scripts[@]}" "${texts[@]}"; }

# Only sources of the pure rooms: their headers are light, so this stays cheap.
tidy() {
  local -a pure=()
  for file in "${sources[@]}"; do
    case $file in
      *_test.cpp) ;;
      src/base/*.cpp | src/srv6/*.cpp | src/overlay/*.cpp) pure+=("$file") ;;
    esac
  done
  printf '%s\n' "${pure[@]}" | xargs -P "$(nproc)" -n 2 clang-tidy -p "$build" --quiet 2>/dev/null
}

check formatting formatting
check shellcheck shellcheck "${scripts[@]}"
check file-lengths file_lengths
check left-overs left_overs
check clang-tidy tidy
exit $failed
