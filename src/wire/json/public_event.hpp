#pragma once
/// What everybody may know of the log, as JSON (api/events.yaml): no personal data, nothing of a product that
/// is not published, nothing that only the engine needs.
///
///   PublicEvents events;
///   if (const auto made = events.of(counted, log, previous)) send(made->key, made->body);

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/sale/event.hpp"

namespace market::wire {

struct PublicEvent {
  Place place = 0;
  std::string key;  ///< The order or product that it is about.
  std::string body;
};

class PublicEvents {
 public:
  /// In the log's order. `previous`: the place of the public event sent just before this one; 0: all before
  /// this one have surely arrived. None: it is not for everybody.
  std::optional<PublicEvent> of(const CountedEvent& counted, const LogId& log, Place previous);
  /// What of() learns of it for later events; of() does so itself.
  void note(const CountedEvent& counted);
  /// The product has been published then since `since`, whose event was not seen here.
  void note(ProductId product, Place since, std::optional<Instant> publish_at);
  /// Whether its terms at this place are known; without them nothing is told of its stock.
  bool knows(ProductId product, Place place) const { return terms_at(product, place) != nullptr; }
  void forget() { terms_.clear(); }

 private:
  struct Terms {
    Place since = 0;
    std::optional<Instant> publish_at;
  };
  const Terms* terms_at(ProductId product, Place place) const;

  /// Rising, an entry for each that differs from the one before: an event that comes again is judged by what
  /// was in force at its place, not by what has come since.
  std::map<ProductId, std::vector<Terms>> terms_;
};

/// `evt_…`: of log and place; the same event has the same one wherever it is told.
std::string event_id(const LogId& log, Place place);

}  // namespace market::wire
