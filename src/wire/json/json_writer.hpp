#pragma once
/// JSON out: every key and every text is encoded here, so that no caller can forget it. Bytes that are no
/// UTF-8 become U+FFFD.
///
///   std::string body;
///   JsonWriter json(body);
///   json.begin_object().member("name", name).member("stock", 12);
///   json.key("tags").begin_array().value("a").value("b").end_array();
///   json.end_object();

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace market::wire {

class JsonWriter {
 public:
  /// Appends to `out`, which outlives it.
  explicit JsonWriter(std::string& out) : out_(out) {}
  JsonWriter(const JsonWriter&) = delete;

  JsonWriter& begin_object() { return begin('{'); }
  JsonWriter& end_object() { return end('}'); }
  JsonWriter& begin_array() { return begin('['); }
  JsonWriter& end_array() { return end(']'); }
  /// Of a member whose value comes next.
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag);
  template <std::integral Number>
  JsonWriter& value(Number number) {
    if constexpr (std::unsigned_integral<Number>)
      return unsigned_number(number);
    else
      return signed_number(number);
  }
  /// RFC 3339, in UTC.
  JsonWriter& value(Instant at);
  /// Null when there is none.
  template <class Value>
  JsonWriter& value(const std::optional<Value>& what) {
    return what ? value(*what) : null();
  }
  /// A value that `append(out)` writes itself, as JSON.
  template <std::invocable<std::string&> Append>
  JsonWriter& value(const Append& append) {
    separate();
    append(out_);
    return *this;
  }
  JsonWriter& null();
  /// A value that is JSON already.
  JsonWriter& raw(std::string_view json);

  template <class Value>
  JsonWriter& member(std::string_view name, const Value& what) {
    key(name);
    return value(what);
  }
  /// Null instead of an empty text.
  JsonWriter& member_or_null(std::string_view name, std::string_view text) {
    key(name);
    return text.empty() ? null() : value(text);
  }

 private:
  JsonWriter& begin(char mark);
  JsonWriter& end(char mark);
  JsonWriter& signed_number(std::int64_t number);
  JsonWriter& unsigned_number(std::uint64_t number);
  void separate() {
    if (comma_) out_ += ',';
    comma_ = true;
  }

  std::string& out_;
  bool comma_ = false;  ///< Before what comes next.
};

}  // namespace market::wire
