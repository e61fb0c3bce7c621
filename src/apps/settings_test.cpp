#include "apps/settings.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.hpp"

namespace market::apps {
namespace {

class SettingsTest : public testing::Test {
 protected:
  std::string file(const std::string& text) {
    const std::string path = folder_ / "market.toml";
    std::ofstream(path) << text;
    return path;
  }
  /// The one line that the operator gets.
  std::string refusal(const std::string& text) {
    try {
      settings_.read_file(file(text));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  tests::TempFolder folder_;
  Settings settings_;
};

TEST_F(SettingsTest, EveryFallbackIsOfItsKind) {
  for (const auto& known : known_settings())
    EXPECT_NO_THROW(settings_.set(std::string(known.key) + '=' + std::string(known.fallback))) << known.key;
}

TEST_F(SettingsTest, TheLastSourceWins) {
  settings_.read_file(
      file("[orders]\npayment_window = \"3m\"\nqueue_max = 7\n[ratelimit]\nenabled = false\n"));
  EXPECT_EQ(settings_.duration("orders.payment_window"), Millis(180'000));
  EXPECT_EQ(settings_.number("orders.queue_max"), 7);
  EXPECT_FALSE(settings_.flag("ratelimit.enabled"));
  const char* const environment[] = {"MARKET_ORDERS_PAYMENT_WINDOW=4m", "MARKET_ADMIN_EMAIL=x", nullptr};
  settings_.read_environment(environment);
  EXPECT_EQ(settings_.duration("orders.payment_window"), Millis(240'000));
  settings_.set("orders.payment_window=250ms");
  EXPECT_EQ(settings_.duration("orders.payment_window"), Millis(250));
}

TEST_F(SettingsTest, RefusesWhatNobodyKnowsOrCanMean) {
  for (const char* assignment :
       {"orders.payment_windov=1s", "payment_window=1s", "orders.payment_window", "orders.payment_window=10",
        "orders.queue_max=-1", "orders.queue_max=many", "ratelimit.enabled=yes"})
    EXPECT_THROW(settings_.set(assignment), UsageError) << assignment;
}

TEST_F(SettingsTest, SaysWhereAFileIsWrong) {
  EXPECT_NE(refusal("[orders]\n???\n").find("line 2"), std::string::npos);
  EXPECT_NE(refusal("queue_max = 3\n").find("must be a section"), std::string::npos);
  EXPECT_NE(refusal("[orders]\nqueue_max = [3]\n").find("orders.queue_max must be a text"),
            std::string::npos);
  EXPECT_NE(refusal("[orders]\nqueue_max = 1.5\n").find("orders.queue_max"), std::string::npos);
}

}  // namespace
}  // namespace market::apps
