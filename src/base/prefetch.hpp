#pragma once
/// Asks for memory before it is needed, so that its misses of the cache overlap with other work.

#include <cstddef>

namespace market {

inline void prefetch_bytes(const void* object, std::size_t bytes) {
  constexpr std::size_t line_bytes = 64;
  for (std::size_t at = 0; at < bytes; at += line_bytes)
    __builtin_prefetch(static_cast<const char*>(object) + at);
}

template <class Object>
void prefetch(const Object* object) {
  prefetch_bytes(object, sizeof(Object));
}

}  // namespace market
