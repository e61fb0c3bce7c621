#pragma once
/// Warnings of several threads, which meet the same trouble again and again (line_limit.hpp).

#include <functional>
#include <string>

namespace market {

/// Its copies share one limit; any thread.
std::function<void(const std::string&)> limited_warnings();

}  // namespace market
