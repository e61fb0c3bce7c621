#pragma once
/// Where public events go, for whoever wants to read them.

#include <string>
#include <vector>

#include "base/task.hpp"
#include "domain/sale/event.hpp"

namespace market {

struct TopicMessage {
  Place place = 0;
  std::string key, body;
};

class EventTopic {
 public:
  virtual ~EventTopic() = default;
  /// All of them, in this order; answered when they are safely there. Errors: unavailable: none, some or all
  /// of them are there, or will be; the same ones are published again.
  virtual Task<> publish(std::vector<TopicMessage> messages) = 0;
  /// Nothing was ever published there: it is new, or was made anew. Errors: unavailable.
  virtual Task<bool> is_new() = 0;
};

}  // namespace market
