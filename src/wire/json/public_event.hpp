#pragma once
/// What everybody may know of the log, as JSON (api/events.yaml): no personal data, nothing of a product that
/// is not published, nothing that only the engine needs.
///
///   PublicEvents events(later_of);
///   if (const auto made = events.of(counted, log, previous)) send(made->key, made->body);

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "domain/sale/event.hpp"

namespace market::wire {

struct PublicEvent {
  Place place = 0;
  std::string key;  ///< The order or product that it is about.
  std::string body;
};

class PublicEvents {
 public:
  /// When a product is published, for one whose listing was not seen here; none: it always was.
  using PublishedAt = std::function<std::optional<Instant>(ProductId)>;
  explicit PublicEvents(PublishedAt of_older = {}) : of_older_(std::move(of_older)) {}

  /// In the log's order. `previous`: the place of the public event sent just before this one; 0: all before
  /// this one have surely arrived. None: it is not for everybody.
  std::optional<PublicEvent> of(const CountedEvent& counted, const LogId& log, Place previous);

 private:
  bool is_published(ProductId product, Instant at) const;

  const PublishedAt of_older_;
  std::map<ProductId, std::optional<Instant>> published_at_;
};

/// `evt_…`: of log and place; the same event has the same one wherever it is told.
std::string event_id(const LogId& log, Place place);

}  // namespace market::wire
