#include "apps/roles/shared_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/must.hpp"

namespace market::apps {

std::unique_ptr<kafka::KafkaLog> open_shared_log(kafka::LogSettings settings, RecordFold& records) {
  const Place known = must(records.place());
  if (known > 0 && !kafka::topic_is_there(settings.connection, settings.topic))
    throw std::runtime_error(
        fmt::format("the event log is gone: there is no topic {}, and the records know place {}; restore a "
                    "backup, or accept the loss with 'market log adopt'",
                    settings.topic, known));
  return std::make_unique<kafka::KafkaLog>(std::move(settings));
}

wire::SecretKey door_secret(const wire::SecretKey& refresh_key) {
  wire::SecretKey secret;
  const std::string text = wire::derived_secret(refresh_key, "the door between instances");
  std::copy_n(text.begin(), secret.size(), secret.begin());
  return secret;
}

}  // namespace market::apps
