#pragma once
/// What JSON and XML have in common when they are read: numbers, flags and data centres, as clients send
/// them.

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "domain/registry/registered_instance.hpp"

namespace market::wire::eureka {

/// A number that is there and is none; check_registration refuses it.
inline constexpr std::int64_t unreadable_port = -1;

inline std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

inline bool is_true(std::string_view text) {
  return registry::upper(text) == "TRUE";
}

/// Java's mark of a map's class is no entry of it, and would be taken for the class when it is read.
inline bool is_metadata_key(std::string_view key) {
  return key != "@class";
}

/// What is missing or not positive is the default.
inline std::int64_t lease_seconds(std::int64_t sent, std::int64_t fallback) {
  constexpr std::int64_t longest = 7 * 24 * 3600;
  return sent > 0 ? std::min(sent, longest) : fallback;
}

/// A missing class is the one that fits; the Default class has no metadata, so that an empty one is dropped.
inline registry::DataCenter data_center_of(std::string java_class, std::string name,
                                           std::optional<registry::Metadata> metadata) {
  using registry::DataCenter;
  const bool is_amazon = java_class == DataCenter::amazon_class ||
                         (java_class.empty() && name == "Amazon" && metadata && !metadata->empty());
  if (java_class.empty()) java_class = is_amazon ? DataCenter::amazon_class : DataCenter::default_class;
  if (!is_amazon && metadata && metadata->empty()) metadata.reset();
  return {std::move(java_class), std::move(name), std::move(metadata)};
}

}  // namespace market::wire::eureka
