#include "domain/sale/packed_units.hpp"

#include <algorithm>

namespace market {

void PackedUnits::set(std::uint64_t key, std::uint32_t units) {
  const std::uint64_t mixed = mix(key);
  const std::uint64_t cell = mixed << unit_bits | units;
  const std::size_t at = homes_ == 0 ? 0 : position(mixed);
  const bool known = homes_ != 0 && cells_[at] != 0 && mixed_of(cells_[at]) == mixed;
  if (known && units != 0)
    cells_[at] = cell;
  else if (known)
    erase(at);
  else if (units != 0)
    insert(cell);
}

void PackedUnits::insert(std::uint64_t cell) {
  while (true) {
    if (8 * (count_ + 1) <= 7 * homes_) {
      const std::size_t at = position(mixed_of(cell));
      const auto from = cells_.begin() + static_cast<std::ptrdiff_t>(at);
      const auto free = std::find(from, cells_.end(), 0u);
      if (free + 1 != cells_.end()) {
        std::move_backward(from, free, free + 1);
        *from = cell;
        ++count_;
        return;
      }
    }
    grow();
  }
}

void PackedUnits::erase(std::size_t at) {
  std::size_t end = at + 1;
  while (cells_[end] != 0 && home(mixed_of(cells_[end])) < end) ++end;
  std::move(cells_.begin() + static_cast<std::ptrdiff_t>(at + 1),
            cells_.begin() + static_cast<std::ptrdiff_t>(end),
            cells_.begin() + static_cast<std::ptrdiff_t>(at));
  cells_[end - 1] = 0;
  --count_;
}

void PackedUnits::grow() {
  const std::vector<std::uint64_t> old = std::move(cells_);
  bool fits = false;
  while (!fits) {
    homes_ += homes_ / 8 + 4;
    cells_.assign(homes_ + std::min(homes_ / 8, 28u) + 4, 0);
    std::size_t next = 0;
    fits = true;
    for (const std::uint64_t cell : old) {
      if (cell == 0) continue;
      next = std::max(next, home(mixed_of(cell)));
      fits = fits && next + 1 < cells_.size();
      if (!fits) break;
      cells_[next++] = cell;
    }
  }
}

}  // namespace market
