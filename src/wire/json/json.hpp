#pragma once
/// JSON in and out, strictly: a duplicate key, depth above 32, a BOM, invalid UTF-8, a lone surrogate or
/// trailing text is `invalid_json`; an unknown, missing or wrong member is `validation` with its path.
///
///   const auto json = wire::parse_json(request.body);
///   wire::ObjectReader reader(*json);
///   auto name = reader.text("name", 1, 200);
///   auto stock = reader.integer("stock", 0, 1'000'000'000);
///   if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());   // all wrong members at once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace market::wire {

/// Errors: invalid_json.
Result<boost::json::value> parse_json(std::string_view text);

/// Reads one object's members and collects what is wrong with them. A method answers an empty value after an
/// error; finish() tells. Members never asked for are refused as `unknown`.
class ObjectReader {
 public:
  /// `value` must outlive the reader. `path` is put before member names: `items[0]`.
  explicit ObjectReader(const boost::json::value& value, std::string path = {});
  /// A part of another reader's object; its errors go to `parent`, and it needs its own finish_part().
  ObjectReader(const boost::json::value& value, std::string path, ObjectReader& parent);

  bool has(std::string_view name) const;  ///< Present, null included.
  bool is_null(std::string_view name);    ///< Present and null (counts as asked for).
  /// Required. Lengths in UTF-8 bytes; control characters other than \n and \t are refused.
  /// Every end of a line is read as \n.
  std::string text(std::string_view name, std::size_t min, std::size_t max);
  std::optional<std::string> optional_text(std::string_view name, std::size_t min, std::size_t max);
  /// Text that people read: from 1 character, at least one of them visible.
  std::string visible_text(std::string_view name, std::size_t max);
  std::optional<std::string> optional_visible_text(std::string_view name, std::size_t max);
  /// A name or the like: visible, in one line, and without what turns the direction of text around it.
  std::string line(std::string_view name, std::size_t max);
  std::optional<std::string> optional_line(std::string_view name, std::size_t max);
  /// A number without a fraction, however it is written: 1, 1.0 and 1e0 are the same.
  std::int64_t integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<std::int64_t> optional_integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<Instant> optional_time(std::string_view name);
  Instant time(std::string_view name);
  /// The member as it is, for nested reading; null when absent (and an error if `required`).
  const boost::json::value* member(std::string_view name, bool required);
  const boost::json::array* array(std::string_view name, std::size_t min, std::size_t max);

  /// Adds an error of the caller's own rule.
  void refuse(std::string_view name, std::string code, std::string detail);
  std::string path_of(std::string_view name) const;

  /// Errors: validation with every wrong member.
  Result<> finish();
  /// For a nested reader: reports its unknown members to the parent.
  void finish_part();

 private:
  const boost::json::value* look(std::string_view name, bool required);
  void refuse_unknown();

  const boost::json::object* object_ = nullptr;
  std::string path_;
  std::vector<std::string_view> asked_;
  std::size_t refused() const { return errors_->size(); }
  std::vector<FieldError> own_errors_;
  std::vector<FieldError>* errors_;
};

/// For operations that take no members: nothing, or an empty object. Errors: invalid_json, validation.
Result<> expect_no_members(std::string_view body);

/// A member's or parameter's name for an answer: it is the sender's own text, so it is shown only when it is
/// a harmless word; otherwise "?".
std::string_view shown_name(std::string_view name);
/// Code points: what a person counts, near enough.
std::size_t count_characters(std::string_view utf8);
/// Appends `text` as a JSON string, quoted and escaped.
void append_json_string(std::string& out, std::string_view text);

}  // namespace market::wire
