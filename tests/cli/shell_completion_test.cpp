// The completion scripts in the shells themselves.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "programs.h"

namespace sextant {
namespace {

/// The replies that bash would show for `line` with the cursor at its end, a line each.
std::string bash_replies(const std::string& line) {
  // What readline does before it calls the function: words broken also at COLONs and `=`.
  const auto script = fmt::format(R"sh(
set -u
source <("$0" completion bash)
COMP_LINE={}
COMP_POINT=${{#COMP_LINE}}
compopt() {{ echo "compopt $*"; }}
_sextant "$0"
for reply in "${{COMPREPLY[@]}}"; do echo "$reply"; done
)sh",
                                  "'" + line + "'");
  const auto done = test::run({"bash", "--norc", "-c", script, test::kPrograms + "/sextant"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.err, "");
  return done.out;
}

TEST(ShellCompletion, BashRegistersTheFunction) {
  const auto done = test::run(
      {"bash", "--norc", "-c", "source <(sextant completion bash) && complete -p sextant"});
  EXPECT_EQ(done.out, "complete -F _sextant sextant\n") << done.err;
}

TEST(ShellCompletion, BashOffersCommandsOptionsAndValues) {
  EXPECT_EQ(bash_replies("sextant stat"), "status\n");
  EXPECT_EQ(bash_replies("sextant testbed "), "basic\nfull\ncluster\n");
  EXPECT_EQ(bash_replies("sextant status -o "), "table\njson\nyaml\n");
  EXPECT_EQ(bash_replies("sextant status --out"), "--output\n");
  EXPECT_EQ(bash_replies("sextant status --output=j"), "json\n") << "= breaks a word";
  EXPECT_EQ(bash_replies("sextant status --socket /ru"), "compopt -o default\n");
  EXPECT_EQ(bash_replies("sextant nonsense "), "");
}

/// What zsh's completion system is given for the words, as "VALUE:DESCRIPTION" lines.
std::string zsh_candidates(const std::string& words, int current) {
  const auto script = fmt::format(R"sh(
compdef() {{ registered="$*" }}
source <("$0" completion zsh)
[[ $registered == '_sextant sextant' ]] || exit 3
_describe() {{ print -rl -- "${{(@P)2}}" }}
_files() {{ print -r -- "files $*" }}
words=({})
CURRENT={}
_sextant
)sh",
                                  words, current);
  const auto done = test::run({"zsh", "-f", "-c", script, test::kPrograms + "/sextant"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.err, "");
  return done.out;
}

TEST(ShellCompletion, ZshOffersCommandsOptionsAndValues) {
  if (!test::installed("zsh")) GTEST_SKIP() << "zsh is not installed";
  EXPECT_EQ(zsh_candidates("sextant stat", 2),
            "status:Health, data plane, own addresses, and every problem with its reason\n");
  EXPECT_EQ(zsh_candidates("sextant status -o ''", 4), "table:\njson:\nyaml:\n");
  EXPECT_EQ(zsh_candidates("sextant status --socket /ru", 4), "files \n");
}

/// A terminal of zsh's own: what the line becomes when TAB is typed behind it.
TEST(ShellCompletion, ZshCompletesALineThatIsTyped) {
  if (!test::installed("zsh")) GTEST_SKIP() << "zsh is not installed";
  // preexec sees the line as it was in the end; the echo of what was typed never has "got:".
  constexpr auto kScript = R"sh(
zmodload zsh/zpty
zpty shell "TERM=dumb zsh -f -i"
expect() { zpty -r shell output "*$1*" || { print "no $1"; exit 1 } }
zpty -w shell 'autoload -Uz compinit; compinit -D -u; source <(sextant completion zsh); print rea\dy'
expect ready
zpty -w shell 'preexec() { print -r -- "got":$1; }; print se\t'
expect set
zpty -w shell $'sextant testb\tful\tex\t--he\t; print d\\one'
expect done
zpty -d shell
print -r -- $output
)sh";
  const auto done = test::run({"zsh", "-f", "-c", kScript});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_NE(done.out.find("got:sextant testbed full exec --help"), std::string::npos) << done.out;
}

}  // namespace
}  // namespace sextant
