// Runs the built program, and others that read what it prints.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "testbed/process.h"

namespace sextant::test {

inline const std::string kPrograms = SEXTANT_PROGRAMS;

inline testbed::Output run(std::vector<std::string> arguments, std::string input = {}) {
  const auto path = kPrograms + ":/usr/sbin:/usr/bin:/sbin:/bin";
  auto done = testbed::run({.arguments = std::move(arguments),
                            .environment = {{"PATH", path}, {"SEXTANT_SOCKET", "/nonexistent"}},
                            .input = std::move(input)},
                           std::chrono::seconds(30));
  if (!done) {
    ADD_FAILURE() << done.error().message();
    return {.status = -1};
  }
  return *done;
}

inline testbed::Output sextant(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kPrograms + "/sextant");
  return run(std::move(arguments));
}

inline bool installed(const std::string& program) {
  return run({"/bin/sh", "-c", "command -v " + program}).status == 0;
}

}  // namespace sextant::test
