#pragma once
/// The log on Kafka as every process of a market opens it, and how these know each other.

#include <memory>

#include "adapters/kafka/log.hpp"
#include "ports/order_records.hpp"
#include "wire/auth/secret_text.hpp"

namespace market::apps {

/// A topic that is missing is made where the records know nothing yet; else it was deleted. Throws
/// std::runtime_error with one clear line.
std::unique_ptr<kafka::KafkaLog> open_shared_log(kafka::LogSettings settings, RecordFold& records);

/// What instances show each other at their doors: whoever has the same keys is one of us.
wire::SecretKey door_secret(const wire::SecretKey& refresh_key);

/// The file of that key, in the folder of the keys.
constexpr auto refresh_key_file = "refresh-tokens";

}  // namespace market::apps
