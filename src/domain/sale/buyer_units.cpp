#include "domain/sale/buyer_units.hpp"

namespace market {

BuyerUnits::BuyerUnits() : rows_(std::make_unique<Rows>()) {
  parts_.reserve(part_count);
  for (std::size_t i = 0; i < part_count; ++i) parts_.emplace_back(rows_.get());
}

std::int32_t BuyerUnits::of(const Buyer& buyer) const {
  const Part& part = parts_[part_number(buyer.user)];
  return units_of(part, part.users.find(buyer.user), buyer);
}

void BuyerUnits::set(const Buyer& buyer, std::int32_t units) {
  Part& part = parts_[part_number(buyer.user)];
  const auto user = part.users.find(buyer.user);
  replace(part, user, buyer, units_of(part, user, buyer), units);
}

std::int32_t BuyerUnits::add(const Buyer& buyer, std::int32_t units) {
  Part& part = parts_[part_number(buyer.user)];
  const auto user = part.users.find(buyer.user);
  const std::int32_t before = units_of(part, user, buyer);
  replace(part, user, buyer, before, before + units);
  return before;
}

std::int32_t BuyerUnits::units_of(const Part& part, Users::const_iterator user, const Buyer& buyer) const {
  if (user == part.users.end()) return 0;
  const Row& row = (*rows_)[user->row];
  if (row.units != 0 && row.slot == buyer.slot) return static_cast<std::int32_t>(row.units);
  if (row.others == 0) return 0;
  if (user->row < rows_end && buyer.slot < slots_end)
    if (const std::uint32_t units = part.further.find(key_of(user->row, buyer.slot)); units != 0)
      return static_cast<std::int32_t>(units);
  const auto large = part.large.find(buyer);
  return large == part.large.end() ? 0 : large->second;
}

void BuyerUnits::replace(Part& part, Users::const_iterator user, const Buyer& buyer, std::int32_t before,
                         std::int32_t units) {
  const bool known = user != part.users.end();
  if (!known && units <= 0) return;
  const std::uint32_t number = known ? user->row : rows_->add(Row{buyer.user});
  if (!known) part.users.insert(Known{number, hash_of(buyer.user)});
  if (before != 0) erase(part, number, buyer);
  Row& row = (*rows_)[number];
  if (units > 0) {
    ++size_;
    const bool small = number < rows_end && buyer.slot < slots_end && units <= units_mask;
    if (small && row.units == 0) {
      row.slot = buyer.slot & (slots_end - 1);
      row.units = static_cast<std::uint32_t>(units) & units_mask;
      return;
    }
    ++row.others;
    if (small)
      part.further.set(key_of(number, buyer.slot), static_cast<std::uint32_t>(units));
    else
      part.large[buyer] = units;
  } else if (row.units == 0 && row.others == 0) {
    part.users.erase(user);
    rows_->remove(number);
  }
}

/// An entry that is there.
void BuyerUnits::erase(Part& part, std::uint32_t number, const Buyer& buyer) {
  --size_;
  Row& row = (*rows_)[number];
  if (row.units != 0 && row.slot == buyer.slot) {
    row.units = 0;
    return;
  }
  --row.others;
  if (part.large.erase(buyer) == 0) part.further.set(key_of(number, buyer.slot), 0);
}

}  // namespace market
