#pragma once
/// The head of a message, written into a string that has been given room for all of it at once: pieces are
/// short and many, and growing costs more than copying them.
///
///   HeadText out(text, lines_room + head_bytes(fields));
///   out.append_field("Host", host);

#include <fmt/format.h>

#include <cstring>
#include <string>
#include <string_view>

#include "base/check.hpp"

namespace market::http {

class HeadText {
 public:
  /// `room`: bytes that will be appended at most.
  HeadText(std::string& out, std::size_t room) : out_(out), end_(out.size()) { out.resize(end_ + room); }
  ~HeadText() { out_.resize(end_); }
  HeadText(const HeadText&) = delete;
  HeadText& append(std::string_view text) {
    check(text.size() <= out_.size() - end_, "a head has room for its fields");
    std::memcpy(out_.data() + end_, text.data(), text.size());
    end_ += text.size();
    return *this;
  }
  HeadText& append(std::uint64_t number) {
    const fmt::format_int digits(number);
    return append(std::string_view(digits.data(), digits.size()));
  }
  void append_field(std::string_view name, std::string_view value) {
    append(name).append(": ").append(value).append("\r\n");
  }
  void append_length(std::uint64_t bytes) { append("Content-Length: ").append(bytes).append("\r\n"); }

 private:
  std::string& out_;
  std::size_t end_;
};

/// What fields of any kind (`name`, `value`) take.
template <class Fields>
std::size_t head_bytes(const Fields& fields) {
  std::size_t bytes = 0;
  for (const auto& field : fields) bytes += field.name.size() + field.value.size() + 4;
  return bytes;
}

}  // namespace market::http
