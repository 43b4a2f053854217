// sextant-cni: environment and standard input in, one JSON object on standard output.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "base/version.h"
#include "cni/plugin.h"

namespace {

using sextant::cni::ErrorCode;
using sextant::cni::Outcome;
using sextant::cni::refuse;

constexpr std::size_t kMaximumInput = std::size_t{16} << 20;

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Outcome<std::string> read_standard_input() {
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      return refuse(ErrorCode::kIo, "cannot read standard input",
                    sextant::system_error("read", "standard input", errno).value());
    }
    if (size == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
    if (text.size() > kMaximumInput) {
      return refuse(ErrorCode::kIo, "standard input is longer than 16 MiB");
    }
  }
}

// A runtime passes no arguments; a person who looks what this is does.
int tell(std::string_view argument) {
  if (argument == "--version") {
    std::cout << "sextant-cni " << sextant::version() << std::endl;
    return 0;
  }
  const bool asked = argument == "--help" || argument == "-h";
  (asked ? std::cout : std::cerr) << "sextant-cni: the CNI plugin of Sextant. A container runtime "
                                     "runs it, with CNI_COMMAND and the "
                                     "other\nvariables of https://www.cni.dev/docs/spec/ and the "
                                     "network configuration on standard "
                                     "input.\nConfiguration: docs/reference-cni.md, sextant-cni(8)."
                                  << std::endl;
  return asked ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) return tell(argv[1]);
  const auto answer = sextant::cni::run_plugin(environment, read_standard_input);
  if (!answer.output.empty()) std::cout << answer.output << std::endl;
  return answer.exit_status;
}
