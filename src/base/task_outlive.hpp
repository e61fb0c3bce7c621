#pragma once
/// Loops and counts outlive a step that throws (a bug, or no memory): what is behind it happens all the same.

#include <spdlog/spdlog.h>

#include <exception>
#include <string>
#include <utility>

#include "base/task.hpp"

namespace market {

/// What `step` answers; what it throws is logged behind `what`, and the answer is `otherwise`.
template <class T>
asio::awaitable<T> outlive(std::string what, T otherwise, asio::awaitable<T> step) {
  try {
    T answer = co_await std::move(step);
    co_return answer;
  } catch (const std::exception& failure) {
    spdlog::error("{} failed: {}", what, failure.what());
  }
  co_return otherwise;
}

/// Thrown, it is `internal`.
template <class T>
Task<T> outlive(std::string what, Task<T> step) {
  Result<T> otherwise = fail(Code::internal, what + " ended by itself");
  return outlive(std::move(what), std::move(otherwise), std::move(step));
}

}  // namespace market
