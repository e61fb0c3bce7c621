#pragma once
/// Where an error ends the whole command: it becomes an exception, and its words the one line that is
/// printed.

#include <stdexcept>
#include <type_traits>
#include <utility>

#include "base/result.hpp"

namespace market {

/// Throws std::runtime_error with the error's words.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().detail);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace market
