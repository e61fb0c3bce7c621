#pragma once
/// Every setting of Kafka's client and of the log's topic, each with the reason for it: one page
/// (client_settings.cpp). librdkafka's defaults suit a stream of many small messages that may be late, and
/// miss the numbers of a sale: a silent broker is to be noticed within a second.

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace market::kafka {

struct Setting {
  std::string_view name, value, reason;
};
/// Of every handle, then those of the producing and of the reading ones alone.
std::span<const Setting> common_settings();
std::span<const Setting> producer_settings();
std::span<const Setting> consumer_settings();
/// In place of those of a reading one, for who reads up to the log's end and no further.
std::span<const Setting> end_reader_settings();

enum class Demand : std::uint8_t {
  must,    ///< Another value refuses the start: the log could lose what counts.
  should,  ///< Another value is a warning.
};
/// What the log's topic is made with, and what is looked at in one that is there.
struct TopicSetting {
  std::string_view name, value;
  Demand demand;
  std::string_view reason;
};
std::span<const TopicSetting> topic_settings();

/// The operator's own (TLS, SASL, client.id): passed through as they are. Those above cannot be changed.
using OwnSettings = std::vector<std::pair<std::string, std::string>>;
/// Empty: fine. Else why this one of the operator's cannot be had.
std::string trouble_with(const std::string& name);

}  // namespace market::kafka
