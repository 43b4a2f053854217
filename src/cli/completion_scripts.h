// The shells' half of completion: they ask `sextant __complete` and show what it says.
#pragma once

#include <string_view>

namespace sextant::cli {

// bash breaks words at COLONs and `=`, so the line is split here at blanks; what stands before the
// last such character must then be left out of the replies.
inline constexpr std::string_view kBashCompletion = R"sh(# bash completion for sextant
#   now:     source <(sextant completion bash)
#   always:  sextant completion bash > /etc/bash_completion.d/sextant
_sextant() {
  local line=${COMP_LINE:0:COMP_POINT} answer value typing cut
  local -a words
  read -ra words <<<"$line"
  if [[ $line == *[[:blank:]] ]]; then words+=(''); fi
  typing=${words[${#words[@]} - 1]}
  cut=${typing%"${typing##*[:=]}"}
  COMPREPLY=()
  while IFS= read -r answer; do
    case $answer in
      :files) compopt -o default; return ;;
      :directories) compopt -o dirnames; return ;;
      *) value=${answer%%$'\t'*}; COMPREPLY+=("${value#"$cut"}") ;;
    esac
  done < <("$1" __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _sextant sextant
)sh";

inline constexpr std::string_view kZshCompletion = R"sh(#compdef sextant
# zsh completion for sextant
#   now:     source <(sextant completion zsh)
#   always:  sextant completion zsh > /usr/local/share/zsh/site-functions/_sextant
_sextant() {
  local answer value
  local -a candidates
  for answer in "${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $answer in
      '') ;;
      :files) _files; return ;;
      :directories) _files -/; return ;;
      *)
        value=${answer%%$'\t'*}
        candidates+=("${value//:/\\:}:${answer#*$'\t'}")
        ;;
    esac
  done
  _describe 'sextant' candidates
}
if [[ ${funcstack[1]} == _sextant ]]; then _sextant "$@"; else compdef _sextant sextant; fi
)sh";

}  // namespace sextant::cli
