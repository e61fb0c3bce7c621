#include "apps/bench/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace market::apps::load {

std::size_t Histogram::index_of(std::uint64_t value) {
  if (value < (1u << sub_bits)) return value;
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - sub_bits - 1;
  return ((shift + 1) << sub_bits) + ((value >> shift) & ((1u << sub_bits) - 1));
}

std::uint64_t Histogram::upper_end(std::size_t index) {
  const std::uint64_t low = index & ((1u << sub_bits) - 1);
  if (index < (1u << sub_bits)) return low;
  const std::size_t shift = (index >> sub_bits) - 1;
  return (((low | (1u << sub_bits)) + 1) << shift) - 1;
}

void Histogram::add(Duration latency) {
  const auto value = static_cast<std::uint64_t>(std::max<Duration::rep>(latency.count(), 0));
  ++counts_[index_of(value)];
  ++count_;
  sum_ += static_cast<double>(value);
  max_ = std::max(max_, latency);
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

Histogram::Duration Histogram::mean() const {
  return Duration(count_ == 0 ? 0 : std::llround(sum_ / static_cast<double>(count_)));
}

Histogram::Duration Histogram::percentile(double share) const {
  const auto rank = static_cast<std::uint64_t>(std::max(1.0, std::ceil(share * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(max_, Duration(static_cast<Duration::rep>(upper_end(i))));
  }
  return max_;
}

}  // namespace market::apps::load
