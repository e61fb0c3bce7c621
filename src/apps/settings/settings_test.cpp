#include "apps/settings/settings.hpp"

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
  std::string refused(const std::string& assignment) {
    try {
      settings_.set(assignment);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  tests::TempFolder folder_;
  Settings settings_;
};

TEST_F(SettingsTest, EveryFallbackIsOfItsKind) {
  for (const auto& known : known_settings()) {
    if (known.kind == SettingKind::table) continue;
    EXPECT_NO_THROW(settings_.set(std::string(known.key) + '=' + std::string(known.fallback))) << known.key;
  }
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
  EXPECT_TRUE(settings_.is_given("orders.queue_max"));
  EXPECT_FALSE(settings_.is_given("orders.fold_lag_max"));
}

TEST_F(SettingsTest, NumbersAndDurationsHaveARange) {
  for (const auto& known : known_settings()) {
    const bool ranged = known.kind == SettingKind::number || known.kind == SettingKind::duration;
    EXPECT_EQ(ranged, known.range.least < known.range.greatest) << known.key;
  }
  const std::pair<const char*, const char*> wrong[] = {
      {"http.threads=99999999999", "http.threads: '99999999999' must be a whole number from 0 to 256"},
      {"http.spans_per_million=1000001", "from 0 to 1000000"},
      {"http.connections_max=0", "from 1 to"},
      {"users.access_token_life=0s", "users.access_token_life: '0s' must be a duration from 1s to 24h"},
      {"users.access_token_life=25h", "from 1s to 24h"},
      {"orders.payment_window=0s", "orders.payment_window: '0s' must be a duration from 100ms to 720h"},
      {"registry.lease=999ms", "from 1s to 24h"}};
  for (const auto& [assignment, says] : wrong)
    EXPECT_NE(refused(assignment).find(says), std::string::npos) << assignment << ": " << refused(assignment);
  for (const char* edge : {"http.threads=256", "http.spans_per_million=1000000", "orders.restart_grace=0s",
                           "orders.payment_window=100ms", "users.access_token_life=24h"})
    EXPECT_EQ(refused(edge), "") << edge;
}

TEST_F(SettingsTest, RefusesEnvironmentNamesThatMeanASetting) {
  const auto read = [this](const char* entry) -> std::string {
    const char* const environment[] = {entry, nullptr};
    try {
      settings_.read_environment(environment);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(read("MARKET_ORDERS_PAYMENT_WINDOV=1m").find("MARKET_ORDERS_PAYMENT_WINDOV"), std::string::npos);
  EXPECT_NE(read("MARKET_GATEWAY_ROUTES=x").find("is a table"), std::string::npos);
  EXPECT_NE(read("MARKET_LOG_LEVEL=\x01").find("log.level"), std::string::npos);
  for (const char* other : {"MARKET_ADMIN_EMAIL=a@b.example", "MARKET_ADMIN_PASSWORD=x", "MARKET_BINARY=x",
                            "MARKET_CCACHE=1", "MARKET_PATIENCE=4", "MARKET_LOGISTICS=1", "MARKET_LOG=1",
                            "MARKET_ORDERS=1", "PATH=/bin", "MARKET_ORDERS_PAYMENT_WINDOV"})
    EXPECT_EQ(read(other), "") << other;
}

TEST_F(SettingsTest, RefusesWhatNobodyKnowsOrCanMean) {
  for (const char* assignment :
       {"orders.payment_windov=1s", "payment_window=1s", "orders.payment_window", "orders.payment_window=10",
        "orders.queue_max=-1", "orders.queue_max=many", "ratelimit.enabled=yes"})
    EXPECT_THROW(settings_.set(assignment), UsageError) << assignment;
}

TEST_F(SettingsTest, RefusesControlCharactersWhichTheParserWouldEndTheProcessAt) {
  for (const char c : {'\0', '\x01', '\x1b', '\x7f'}) {
    const std::string said = refusal("[http]\n[<" + std::string(1, c) + "x]\n");
    EXPECT_NE(said.find("line 2: a control character"), std::string::npos) << said;
  }
}

TEST_F(SettingsTest, RefusesTextsAtWhichTheParserDoubtsItself) {
  for (const char* text : {"[?", "[<x]\n", "[http]\n[?x]\nlisten = 1\n", "[[?]]\n"})
    EXPECT_NE(refusal(text), "") << text;
}

TEST_F(SettingsTest, SaysWhereAFileIsWrong) {
  EXPECT_NE(refusal("[orders]\n???\n").find("line 2"), std::string::npos);
  EXPECT_NE(refusal("queue_max = 3\n").find("must be a section"), std::string::npos);
  EXPECT_NE(refusal("[orders]\nqueue_max = [3]\n").find("line 2: orders.queue_max must be a text"),
            std::string::npos);
  EXPECT_NE(refusal("[orders]\nqueue_max = 1.5\n").find("orders.queue_max"), std::string::npos);
}

TEST_F(SettingsTest, AnOldNameMeansTheSettingAndIsNoted) {
  settings_.read_file(file("[gateway]\nthreads = 3\n"));
  settings_.set("gateway.threads=4");
  EXPECT_EQ(settings_.number("http.threads"), 4);
  EXPECT_TRUE(settings_.is_given("http.threads"));
  ASSERT_EQ(settings_.old_names_used().size(), 1u);
  EXPECT_EQ(settings_.old_names_used()[0].now, "http.threads");
  for (const OldName& each : old_setting_names()) {
    EXPECT_EQ(refused(std::string(each.old) + "=\x01").find("--set: " + std::string(each.old)), 0u)
        << each.old;
    EXPECT_NE(refused(std::string(each.now) + "=\x01"), "") << each.now;
  }
}

TEST_F(SettingsTest, TheOldAndTheNewNameTogetherAreRefused) {
  EXPECT_EQ(refused("http.threads=3"), "");
  EXPECT_EQ(refused("gateway.threads=3"),
            "--set: http.threads and its old name gateway.threads are both given");
  settings_ = Settings();
  const char* const environment[] = {"MARKET_GATEWAY_THREADS=3", nullptr};
  settings_.read_environment(environment);
  EXPECT_NE(refused("http.threads=3").find("are both given"), std::string::npos);
}

TEST_F(SettingsTest, AMistakeNamesFileLineAndWhatMayHaveBeenMeant) {
  const auto said = refusal("[orders]\nqueue_max = 1\npayment_windov = '1m'\n");
  EXPECT_NE(said.find("market.toml: line 3: there is no setting 'orders.payment_windov'; did you mean "
                      "orders.payment_window?"),
            std::string::npos)
      << said;
  EXPECT_NE(refusal("[orders]\nqueue_max = 0\n").find("market.toml: line 2: orders.queue_max: '0' must be"),
            std::string::npos);
}

TEST_F(SettingsTest, SaysWhenAFileCannotBeRead) {
  const std::pair<std::string, const char*> wrong[] = {{folder_ / "none.toml", "No such file"},
                                                       {folder_ / ".", "is a folder"}};
  for (const auto& [path, says] : wrong) {
    try {
      settings_.read_file(path);
      ADD_FAILURE() << path;
    } catch (const UsageError& error) {
      const std::string line = error.what();
      EXPECT_NE(line.find(says), std::string::npos) << line;
      EXPECT_EQ(line.find("line 0"), std::string::npos) << line;
    }
  }
}

}  // namespace
}  // namespace market::apps
