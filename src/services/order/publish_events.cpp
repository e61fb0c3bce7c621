#include "services/order/publish_events.hpp"

namespace market::order {
namespace {

constexpr const char* name = "events";

}  // namespace

PublishEvents::PublishEvents(EventTopic& topic, FollowerPlaces& places, const ProductBoard& board,
                             Failpoint failpoint)
    : topic_(topic), places_(places), board_(board), failpoint_(std::move(failpoint)) {}

Task<std::vector<LogEffect::Follower>> PublishEvents::followers() {
  if (!at_) {
    const auto stored = co_await places_.find(name);
    if (!stored) co_return fail(stored.error());
    at_ = *stored;
    if (at_) {
      const auto is_new = co_await topic_.is_new();
      if (!is_new) {
        at_.reset();
        co_return fail(is_new.error());
      }
      if (*is_new) at_.reset();  // The market has moved to another Kafka: its readers need all of them.
    }
    stored_ = at_.value_or(FollowedTo());
    from_start_ = !at_;
    silent_until_ = 0;
    events_.forget();  // What another instance has followed since was not seen here.
  }
  std::vector<Follower> one(1);
  one.front().at = at_;
  co_return one;
}

bool PublishEvents::can_judge(const CountedEvent& counted) {
  const auto* adjusted = std::get_if<StockAdjusted>(&counted.event.fact);  // The others bring their terms.
  if (adjusted == nullptr || events_.knows(adjusted->product, counted.place)) return true;
  const ShownProduct* shown = board_.find(adjusted->product);
  if (shown == nullptr || shown->updated_at >= counted.event.at) return false;
  events_.note(shown->id, counted.place, shown->terms.publish_at);
  return true;
}

void PublishEvents::read_from_start() {
  silent_until_ = at_ ? at_->done : 0;
  from_start_ = true;
  at_ = FollowedTo();
  events_.forget();
}

Task<> PublishEvents::take(std::int64_t, std::vector<CountedEvent> events, FollowedTo to) {
  std::vector<TopicMessage> messages;
  for (const CountedEvent& counted : events) {
    if (counted.place <= silent_until_) {
      events_.note(counted);
      continue;
    }
    if (!from_start_ && !can_judge(counted)) {
      read_from_start();
      co_return Result<>();
    }
    const Place previous = messages.empty() ? 0 : messages.back().place;
    auto made = events_.of(counted, to.log, previous);
    if (made) messages.push_back({made->place, std::move(made->key), std::move(made->body)});
  }
  if (messages.empty() && at_ && may_stay_unstored(stored_, to, unstored_max)) {
    at_ = to;
    co_return Result<>();
  }
  const auto count = messages.size();
  if (count != 0) {
    const auto published = co_await topic_.publish(std::move(messages));
    if (!published) co_return fail(published.error());
    failpoint_.reach(Failpoint::At::effect);
  }
  const auto kept = co_await places_.keep(name, to);
  if (!kept) co_return fail(kept.error());
  at_ = to;
  stored_ = to;
  published_.fetch_add(count, std::memory_order_relaxed);
  co_return Result<>();
}

}  // namespace market::order
