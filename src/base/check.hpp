#pragma once
/// check(): for bugs, never for input. On in release too: a wrong state must not be written to a log.

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace market {

inline void check(bool holds, const char* what, std::source_location at = std::source_location::current()) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "bug: %s (%s:%u)\n", what, at.file_name(), static_cast<unsigned>(at.line()));
  std::abort();
}

}  // namespace market
