#pragma once
/// What arrived and was not yet used. Grows on need; an empty one can give its memory back.

#include <cstring>
#include <memory>
#include <string_view>

namespace market::http {

class ReadBuffer {
 public:
  static constexpr std::size_t small = 2048;

  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  /// Moves with every growth: views into the buffer are then taken anew.
  const char* base() const { return data_.get() + begin_; }

  char* space() { return data_.get() + end_; }
  std::size_t space_size() const { return capacity_ - end_; }
  void added(std::size_t bytes) { end_ += bytes; }

  /// Makes room for at least one byte more; an empty buffer gets `first` bytes.
  void make_space(std::size_t first = small) {
    if (space_size() > 0) return;
    if (begin_ > 0 && begin_ >= capacity_ / 2) {
      std::memmove(data_.get(), data_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
      return;
    }
    resize(capacity_ == 0 ? first : capacity_ * 2);
  }
  void consume(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  /// Takes `bytes` out from behind the first `kept`: decoded chunks leave, the head stays where it is.
  void cut(std::size_t kept, std::size_t bytes) {
    char* const at = data_.get() + begin_ + kept;
    std::memmove(at, at + bytes, size() - kept - bytes);
    end_ -= bytes;
  }
  bool has_memory() const { return capacity_ > 0; }
  /// `memory` has `small` bytes; this one has none.
  void lend(std::unique_ptr<char[]> memory) {
    data_ = std::move(memory);
    capacity_ = small;
  }
  /// The memory of an empty buffer; null when it is not of `small` bytes, and freed then.
  std::unique_ptr<char[]> give_back() {
    auto memory = std::move(data_);
    if (capacity_ != small) memory.reset();
    capacity_ = begin_ = end_ = 0;
    return memory;
  }

 private:
  void resize(std::size_t capacity) {
    auto data = std::make_unique_for_overwrite<char[]>(capacity);
    const auto bytes = size();
    if (bytes > 0) std::memcpy(data.get(), data_.get() + begin_, bytes);
    data_ = std::move(data);
    capacity_ = capacity;
    begin_ = 0;
    end_ = bytes;
  }

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace market::http
