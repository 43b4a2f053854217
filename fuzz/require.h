// What must hold whatever the input: a fuzzer ends where it does not.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace sextant::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace sextant::fuzz
