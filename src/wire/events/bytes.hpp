#pragma once
/// Compact binary values for the log and the snapshot: base-128 varints (zigzag for signed), length-prefixed
/// text. Reading never goes past the end; a bad input makes the reader `broken`, checked once
/// at the end.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace market::wire {

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  void byte(std::uint8_t value) { out_ += static_cast<char>(value); }
  void unsigned_integer(std::uint64_t value) {
    char buffer[10];
    std::size_t size = 0;
    for (; value >= 0x80; value >>= 7) buffer[size++] = static_cast<char>(value | 0x80);
    buffer[size++] = static_cast<char>(value);
    out_.append(buffer, size);
  }
  void integer(std::int64_t value) {
    unsigned_integer(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
  }
  void fixed64(std::uint64_t value) { out_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void text(std::string_view value) {
    unsigned_integer(value.size());
    out_ += value;
  }

 private:
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}
  bool broken() const { return broken_; }
  void refuse() { fail_zero(); }
  bool at_end() const { return in_.empty(); }
  std::size_t left() const { return in_.size(); }
  std::string_view rest() const { return in_; }

  std::uint8_t byte() {
    if (in_.empty()) return fail_zero();
    const auto value = static_cast<std::uint8_t>(in_.front());
    in_.remove_prefix(1);
    return value;
  }
  std::uint64_t unsigned_integer() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      value |= std::uint64_t{next & 0x7Fu} << shift;
      if ((next & 0x80) == 0) return value;
    }
    return fail_zero();
  }
  std::int64_t integer() {
    const std::uint64_t value = unsigned_integer();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  std::uint64_t fixed64() {
    std::uint64_t value = 0;
    if (in_.size() < sizeof value) return fail_zero();
    std::memcpy(&value, in_.data(), sizeof value);
    in_.remove_prefix(sizeof value);
    return value;
  }
  std::string_view text() {
    const std::uint64_t size = unsigned_integer();
    if (size > in_.size()) {
      broken_ = true;
      return {};
    }
    const std::string_view value = in_.substr(0, size);
    in_.remove_prefix(size);
    return value;
  }
  /// A count of things of at least `bytes_each`: never more than the rest of the input could hold.
  std::size_t count(std::size_t bytes_each) {
    const std::uint64_t value = unsigned_integer();
    if (value > in_.size() / bytes_each) return fail_zero();
    return static_cast<std::size_t>(value);
  }

 private:
  std::uint8_t fail_zero() {
    broken_ = true;
    in_ = {};
    return 0;
  }
  std::string_view in_;
  bool broken_ = false;
};

}  // namespace market::wire
