#pragma once
/// Path patterns of routes, as Spring writes them: `*` is one segment or a part of it, `{name}` one segment,
/// a last `**` any number of them. Matched on a path's normal form without its `;` parameters.
///
///   PathPattern("/api/v1/orders/**").matches("/api/v1/orders/7/payment")

#include <string>
#include <string_view>
#include <vector>

namespace market::gateway {

class PathPattern {
 public:
  /// Brings the text into the form of what it is compared with. Throws std::invalid_argument with one clear
  /// line.
  explicit PathPattern(std::string text);
  bool matches(std::string_view path) const { return exact_.matches(path); }
  /// Of a path in lower case: as a server reads it that does not mind.
  bool matches_folded(std::string_view path) const { return folded_.matches(path); }
  /// False: no path that begins with `prefix` fits.
  bool may_match_below(std::string_view prefix) const;
  const std::string& text() const { return text_; }

 private:
  struct Form {
    bool matches(std::string_view path) const;
    std::string text;
    std::vector<std::string> segments;  ///< Without the last `**`; "*" for `{name}`.
    bool open_ended = false, literal = true;
  };
  static Form form_of(std::string normal);
  std::string text_;
  Form exact_, folded_;
};

/// /metrics, /info, /eureka and the like, however they are written: for the operator, never for the outside.
bool is_internal_path(std::string_view path);

}  // namespace market::gateway
