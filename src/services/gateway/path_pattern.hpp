#pragma once
/// Path patterns of routes, as Spring writes them: `*` is one segment or a part of it, `{name}` one segment,
/// a last `**` any number of them. Matched on the raw path, without a loop over the rest of it.
///
///   PathPattern("/api/v1/orders/**").matches("/api/v1/orders/7/payment")

#include <string>
#include <string_view>
#include <vector>

namespace market::gateway {

class PathPattern {
 public:
  /// Throws std::invalid_argument with one clear line.
  explicit PathPattern(std::string text);
  bool matches(std::string_view path) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<std::string> segments_;  ///< Without the last `**`; "*" for `{name}`.
  bool open_ended_ = false;
  bool literal_ = true;
};

/// A path that could be read in two ways by us and an instance: dot segments, empty segments, an escaped
/// slash, backslash or NUL. Such a one is never routed.
bool is_ambiguous_path(std::string_view path);
/// /metrics, /info, /eureka and the like: for the operator, never for the outside.
bool is_internal_path(std::string_view path);

}  // namespace market::gateway
