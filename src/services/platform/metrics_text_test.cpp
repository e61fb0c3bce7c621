#include "services/platform/metrics_text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace market::platform {
namespace {

/// A label's value as Prometheus reads it: only `\\`, `\"` and `\n` are escapes.
std::string unescaped(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    RC_ASSERT(text[i] != '"');
    RC_ASSERT(text[i] != '\n');
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    RC_ASSERT(++i < text.size());
    RC_ASSERT(text[i] == '\\' || text[i] == '"' || text[i] == 'n');
    value += text[i] == 'n' ? '\n' : text[i];
  }
  return value;
}

RC_GTEST_PROP(MetricsText, a_label_is_read_back_as_it_was, ()) {
  const auto special = rc::gen::element('"', '\\', '\n', '{', '}', ',', '=', ' ');
  const auto value = *rc::gen::container<std::string>(rc::gen::oneOf(special, rc::gen::arbitrary<char>()));
  const std::string text = label("service", value);
  RC_ASSERT(text.starts_with("service=\"") && text.ends_with('"'));
  RC_ASSERT(unescaped(std::string_view(text).substr(9, text.size() - 10)) == value);
}

TEST(MetricsText, AHistogramHasLabelsOrNone) {
  MetricsText text;
  text.family("t", "histogram", "h").histogram({0.5}, {1, 3}, 2.5, {}).histogram({1}, {0, 1}, 9, "a=\"b\"");
  EXPECT_NE(text.text().find("t_bucket{le=\"0.5\"} 1\nt_bucket{le=\"+Inf\"} 3\nt_sum{} 2.5\nt_count{} 3\n"),
            std::string::npos)
      << text.text();
  EXPECT_NE(text.text().find("t_bucket{a=\"b\",le=\"1\"} 0\n"), std::string::npos) << text.text();
}

/// Readers tell processes apart by it.
TEST(MetricsText, AProcessHasOneStart) {
  const auto start = [] {
    MetricsText metrics;
    add_process_metrics(metrics);
    const auto at = metrics.text().find("\nprocess_start_time_seconds ");
    return metrics.text().substr(at, metrics.text().find('\n', at + 1) - at);
  };
  const auto first = start();
  EXPECT_NE(first.find("process_start_time_seconds 1"), std::string::npos) << first;
  for (int i = 0; i < 200; ++i) ASSERT_EQ(start(), first);
}

}  // namespace
}  // namespace market::platform
