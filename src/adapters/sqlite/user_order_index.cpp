#include "adapters/sqlite/user_order_index.hpp"

#include <algorithm>
#include <mutex>

namespace market::sqlite {

UserOrderIndex::View UserOrderIndex::view(UserId user, OrderId before) const {
  const std::shared_lock lock(mutex_);
  View view{{}, segments_, closed_.load(std::memory_order_relaxed)};
  const auto found = open_.find(user);
  if (found == open_.end()) return view;
  const auto& ids = found->second;
  const auto end = before ? std::lower_bound(ids.begin(), ids.end(), before) : ids.end();
  view.open.assign(ids.begin(), end);
  return view;
}

void UserOrderIndex::add(std::span<const UserOrder> orders) {
  const std::unique_lock lock(mutex_);
  for (const auto& one : orders) add_one(one);
}

void UserOrderIndex::add_one(const UserOrder& one) {
  auto& ids = open_[one.user];
  if (ids.empty() || ids.back() < one.order) {
    ids.push_back(one.order);
  } else {
    const auto place = std::lower_bound(ids.begin(), ids.end(), one.order);
    if (*place == one.order) return;
    ids.insert(place, one.order);
  }
  ++open_count_;
}

std::vector<UserOrder> UserOrderIndex::sorted_open() const {
  // No lock: the fold thread is the only one that changes it.
  std::vector<UserOrder> all;
  all.reserve(open_count_);
  for (const auto& [user, ids] : open_)
    for (const auto id : ids) all.push_back(UserOrder{user, id});
  std::sort(all.begin(), all.end());
  return all;
}

void UserOrderIndex::close(Segment written) {
  written.high_so_far = std::max(written.high, indexed_through());
  auto segments = std::make_shared<Segments>(*segments_);
  segments->push_back(written);
  const std::unique_lock lock(mutex_);
  segments_ = std::move(segments);
  open_.clear();
  open_count_ = 0;
  closed_.fetch_add(1, std::memory_order_acq_rel);
}

void UserOrderIndex::reset(Segments segments, std::span<const UserOrder> open) {
  OrderId high;
  for (auto& segment : segments) segment.high_so_far = high = std::max(high, segment.high);
  const std::unique_lock lock(mutex_);
  segments_ = std::make_shared<const Segments>(std::move(segments));
  open_.clear();
  open_count_ = 0;
  for (const auto& one : open) add_one(one);
  closed_.fetch_add(1, std::memory_order_acq_rel);
}

}  // namespace market::sqlite
