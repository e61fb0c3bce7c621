#pragma once
/// Rows in blocks that never move.

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/check.hpp"

namespace market {

/// Rows of one kind that keep their number; freed ones are used again.
template <class Row>
class RowBlocks {
 public:
  std::uint32_t add(const Row& row) {
    if (free_.empty()) {
      if (used_ == blocks_.size() * block_rows) blocks_.push_back(std::make_unique<Block>());
      (*this)[used_] = row;
      return used_++;
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    (*this)[number] = row;
    return number;
  }
  void remove(std::uint32_t number) { free_.push_back(number); }
  Row& operator[](std::uint32_t number) { return (*blocks_[number / block_rows])[number % block_rows]; }
  const Row& operator[](std::uint32_t number) const {
    return (*blocks_[number / block_rows])[number % block_rows];
  }

 private:
  static constexpr std::uint32_t block_rows = 8192;
  using Block = std::array<Row, block_rows>;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::deque<std::uint32_t> free_;
  std::uint32_t used_ = 0;
};

/// Runs of rows side by side, in such blocks too; a freed one is used again for a run of its length.
template <class Row>
class RunBlocks {
 public:
  static constexpr std::size_t length_max = 8192;

  std::uint32_t add(const Row* rows, std::size_t length) {
    check(length <= length_max, "a run fits in a block");
    if (free_.size() <= length) free_.resize(length + 1);
    std::uint32_t number = used_;
    if (!free_[length].empty()) {
      number = free_[length].back();
      free_[length].pop_back();
    } else {
      if (number % length_max + length > length_max || number == blocks_.size() * length_max) {
        number = static_cast<std::uint32_t>(blocks_.size() * length_max);
        blocks_.push_back(std::make_unique<Block>());
      }
      used_ = number + static_cast<std::uint32_t>(length);
    }
    std::copy_n(rows, length, &(*blocks_[number / length_max])[number % length_max]);
    return number;
  }
  void remove(std::uint32_t number, std::size_t length) { free_[length].push_back(number); }
  const Row* operator[](std::uint32_t number) const {
    return &(*blocks_[number / length_max])[number % length_max];
  }

 private:
  using Block = std::array<Row, length_max>;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::vector<std::uint32_t>> free_;  ///< By length.
  std::uint32_t used_ = 0;
};

}  // namespace market
