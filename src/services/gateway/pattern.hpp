#pragma once
/// Regular expressions of the settings: RE2, so that no input can make them slow.

#include <re2/re2.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace market::gateway {

class Pattern {
 public:
  /// Throws std::invalid_argument with one clear line.
  explicit Pattern(const std::string& text) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    compiled_ = std::make_shared<const RE2>(text, options);
    if (!compiled_->ok())
      throw std::invalid_argument("'" + text + "' is no regular expression: " + compiled_->error());
    options.set_case_sensitive(false);
    caseless_ = std::make_shared<const RE2>(text, options);
  }
  bool matches_all(std::string_view text) const { return RE2::FullMatch(piece(text), *compiled_); }
  /// As somebody reads it who does not mind case.
  bool may_match(std::string_view text) const { return RE2::FullMatch(piece(text), *caseless_); }
  /// Replaces the first match; `to` may use `\1`. False: it does not match.
  bool replace(std::string& text, const std::string& to) const { return RE2::Replace(&text, *compiled_, to); }
  /// An empty text when `to` fits the groups.
  std::string problem_with(const std::string& to) const {
    std::string problem;
    compiled_->CheckRewriteString(to, &problem);
    return problem;
  }

 private:
  static re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }
  std::shared_ptr<const RE2> compiled_, caseless_;
};

}  // namespace market::gateway
