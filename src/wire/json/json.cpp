#include "wire/json/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/replace.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <cmath>
#include <limits>

#include "wire/json/unicode.hpp"

namespace market::wire {
namespace {

namespace json = boost::json;

constexpr std::size_t depth_max = 32;
constexpr std::size_t errors_max = 50;  ///< A body of a thousand wrong members gets a readable answer.

std::size_t count_members(const json::value& value) {
  std::size_t count = 0;
  if (const auto* object = value.if_object()) {
    count = object->size();
    for (const auto& member : *object) count += count_members(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) count += count_members(item);
  }
  return count;
}

/// Whether a number stands for a whole one, to its last digit.
bool is_whole_text(std::string_view number) {
  const auto exponent_at = std::min(number.find_first_of("eE"), number.size());
  const std::string_view mantissa = number.substr(0, exponent_at);
  const auto point = std::min(mantissa.find('.'), mantissa.size());
  const auto last = mantissa.find_last_of("123456789");
  if (last == std::string_view::npos) return true;  // Zero.
  // The place of the last digit that counts: 0 is that of the ones, negative ones stand behind the point.
  const auto place = last < point ? static_cast<long>(point - last) - 1 : -static_cast<long>(last - point);
  if (exponent_at == number.size()) return place >= 0;
  const bool negative = number[exponent_at + 1] == '-';
  std::string_view digits = number.substr(exponent_at + 1);
  digits.remove_prefix(std::min(digits.find_first_of("0123456789"), digits.size()));
  long exponent = 0;
  constexpr long beyond_any_body = 1'000'000;
  for (const char digit : digits) exponent = std::min(beyond_any_body, exponent * 10 + (digit - '0'));
  return place + (negative ? -exponent : exponent) >= 0;
}

/// Looks at the text itself: counts the keys (Boost.JSON keeps only the last of two equal ones), and finds
/// fractions that a double rounds to a whole number.
struct TextScan {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  std::size_t members = 0;
  std::size_t doubles = 0;
  std::vector<std::size_t> rounded;  ///< Which of the doubles, counted in the order of the text.
  std::string number;
  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t count, json::error_code&) {
    members += count;
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_key(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_number_part(json::string_view part, json::error_code&) {
    number.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t, json::string_view, json::error_code&) {
    number.clear();
    return true;
  }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code&) {
    number.clear();
    return true;
  }
  bool on_double(double value, json::string_view part, json::error_code&) {
    number.append(part.data(), part.size());
    if (std::trunc(value) == value && !is_whole_text(number)) rounded.push_back(doubles);
    ++doubles;
    number.clear();
    return true;
  }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

TextScan scan(std::string_view text) {
  json::parse_options options;
  options.max_depth = depth_max;
  json::basic_parser<TextScan> parser(options);
  json::error_code error;
  parser.write_some(false, text.data(), text.size(), error);
  return std::move(parser.handler());
}

/// A fraction that was rounded is no number that anybody may use. `seen`: doubles in front of `value`.
void unset_rounded(json::value& value, const std::vector<std::size_t>& rounded, std::size_t& seen) {
  if (auto* object = value.if_object()) {
    for (auto& member : *object) unset_rounded(member.value(), rounded, seen);
  } else if (auto* array = value.if_array()) {
    for (auto& item : *array) unset_rounded(item, rounded, seen);
  } else if (value.is_double()) {
    if (std::binary_search(rounded.begin(), rounded.end(), seen++))
      value = std::numeric_limits<double>::quiet_NaN();
  }
}

bool has_control_character(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) return true;
  }
  return false;
}

/// JSON knows one kind of number: 1, 1.0 and 1e0 are the same.
bool is_whole_number(const json::value& value) {
  return value.is_double() ? std::trunc(value.get_double()) == value.get_double() : value.is_number();
}

/// None when it is beyond what is exact.
std::optional<std::int64_t> whole_number_of(const json::value& value) {
  constexpr double exact_below = 9007199254740992.0;  // 2^53
  if (value.is_double()) {
    const double number = value.get_double();
    if (std::abs(number) > exact_below) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  json::error_code error;
  const auto number = value.to_number<std::int64_t>(error);
  return error ? std::nullopt : std::optional(number);
}

}  // namespace

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = depth_max;
  json::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) return fail(Code::invalid_json, fmt::format("the body is no valid JSON: {}", error.message()));
  const TextScan scanned = scan(text);
  if (scanned.members != count_members(value))
    return fail(Code::invalid_json, "an object has the same key twice");
  std::size_t seen = 0;
  if (!scanned.rounded.empty()) unset_rounded(value, scanned.rounded, seen);
  return value;
}

ObjectReader::ObjectReader(const json::value& value, std::string path)
    : path_(std::move(path)), errors_(&own_errors_) {
  object_ = value.if_object();
  if (!object_) errors_->push_back({path_, "type", "must be an object"});
}

ObjectReader::ObjectReader(const json::value& value, std::string path, ObjectReader& parent)
    : path_(std::move(path)), errors_(parent.errors_) {
  object_ = value.if_object();
  if (!object_) errors_->push_back({path_, "type", "must be an object"});
}

bool ObjectReader::has(std::string_view name) const {
  return object_ && object_->contains(name);
}

bool ObjectReader::is_null(std::string_view name) {
  const auto* value = look(name, false);
  return value && value->is_null();
}

std::string ObjectReader::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

void ObjectReader::refuse(std::string_view name, std::string code, std::string detail) {
  if (errors_->size() < errors_max) errors_->push_back({path_of(name), std::move(code), std::move(detail)});
}

const json::value* ObjectReader::look(std::string_view name, bool required) {
  asked_.push_back(name);
  if (!object_) return nullptr;
  const auto* value = object_->if_contains(name);
  if (!value && required) refuse(name, "required", "is missing");
  return value;
}

std::string ObjectReader::text(std::string_view name, std::size_t min, std::size_t max) {
  const auto* value = look(name, true);
  if (!value) return {};
  const auto* text = value->if_string();
  if (!text) {
    refuse(name, "type", "must be a string");
    return {};
  }
  std::string plain(*text);
  boost::algorithm::replace_all(plain, "\r\n",
                                "\n");  // As Windows ends lines; old systems by the first alone.
  std::replace(plain.begin(), plain.end(), '\r', '\n');
  if (const auto length = count_characters(plain); length < min || length > max)
    refuse(name, "length", fmt::format("must have {} to {} characters", min, max));
  else if (has_control_character(plain))
    refuse(name, "format", "must not have control characters");
  else
    return plain;
  return {};
}

std::optional<std::string> ObjectReader::optional_text(std::string_view name, std::size_t min,
                                                       std::size_t max) {
  if (!has(name) || is_null(name)) {
    asked_.push_back(name);
    return std::nullopt;
  }
  return text(name, min, max);
}

std::string ObjectReader::visible_text(std::string_view name, std::size_t max) {
  std::string read = text(name, 1, max);
  if (!read.empty() && !has_visible_character(read)) refuse(name, "format", "must have a visible character");
  return read;
}

std::optional<std::string> ObjectReader::optional_visible_text(std::string_view name, std::size_t max) {
  auto read = optional_text(name, 1, max);
  if (read && !read->empty() && !has_visible_character(*read))
    refuse(name, "format", "must have a visible character");
  return read;
}

std::string ObjectReader::line(std::string_view name, std::size_t max) {
  const std::size_t refused_before = refused();
  std::string read = visible_text(name, max);
  if (refused() == refused_before && !is_one_line(read))
    refuse(name, "format", "must be one line without characters that turn its direction");
  return read;
}

std::optional<std::string> ObjectReader::optional_line(std::string_view name, std::size_t max) {
  if (!has(name) || is_null(name)) return optional_visible_text(name, max);
  return line(name, max);
}

std::int64_t ObjectReader::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  const auto* value = look(name, true);
  if (!value) return 0;
  if (!is_whole_number(*value)) {
    refuse(name, "type", "must be a whole number");
    return 0;
  }
  const auto number = whole_number_of(*value);
  if (number && *number >= min && *number <= max) return *number;
  refuse(name, "range", fmt::format("must be {} to {}", min, max));
  return 0;
}

std::optional<std::int64_t> ObjectReader::optional_integer(std::string_view name, std::int64_t min,
                                                           std::int64_t max) {
  if (!has(name) || is_null(name)) {
    asked_.push_back(name);
    return std::nullopt;
  }
  return integer(name, min, max);
}

std::optional<Instant> ObjectReader::optional_time(std::string_view name) {
  if (!has(name) || is_null(name)) {
    asked_.push_back(name);
    return std::nullopt;
  }
  return time(name);
}

Instant ObjectReader::time(std::string_view name) {
  const auto* value = look(name, true);
  if (!value) return {};
  if (const auto* text = value->if_string())
    if (const auto at = parse_rfc3339(*text)) return *at;
  refuse(name, "format", "must be an RFC 3339 date-time");
  return {};
}

const json::value* ObjectReader::member(std::string_view name, bool required) {
  return look(name, required);
}

const json::array* ObjectReader::array(std::string_view name, std::size_t min, std::size_t max) {
  const auto* value = look(name, true);
  if (!value) return nullptr;
  const auto* array = value->if_array();
  if (!array) {
    refuse(name, "type", "must be an array");
  } else if (array->size() < min || array->size() > max) {
    refuse(name, "length", fmt::format("must have {} to {} items", min, max));
    array = nullptr;
  }
  return array;
}

void ObjectReader::refuse_unknown() {
  if (!object_) return;
  for (const auto& member : *object_) {
    const std::string_view key(member.key());
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    refuse(shown_name(key), "unknown", "is not a member of this request");
  }
}

void ObjectReader::finish_part() {
  refuse_unknown();
}

Result<> ObjectReader::finish() {
  refuse_unknown();
  if (errors_->empty()) return {};
  ErrorExtras extras;
  extras.fields = *errors_;
  return fail(Error(Code::validation, "the request has wrong members; see errors", std::move(extras)));
}

Result<> expect_no_members(std::string_view body) {
  if (body.empty()) return {};
  const auto json = parse_json(body);
  if (!json) return fail(json.error());
  return ObjectReader(*json).finish();
}

std::string_view shown_name(std::string_view name) {
  const bool plain = !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return plain ? name : "?";
}

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace market::wire
