#pragma once
/// check(): for bugs, never for input. On in release too: a wrong state must not be written to a log.

#include <cstdio>
#include <cstdlib>

namespace market {

/// The place of the call is its default arguments: std::source_location is more than clang 14 has, and the
/// fuzzers need it.
inline void check(bool holds, const char* what, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "bug: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace market
