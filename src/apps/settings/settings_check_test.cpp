#include "apps/settings/settings_check.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temp_folder.hpp"

namespace market::apps {
namespace {

class SettingsCheckTest : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  /// The line that the operator gets; empty when all is well.
  std::string refusal(const std::vector<std::string>& assignments, const std::string& config = "",
                      ServeRole role = ServeRole::services) {
    try {
      Settings settings;
      if (!config.empty()) settings.read_file(config);
      for (const auto& assignment : assignments) settings.set(assignment);
      check_settings(settings, config, role);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  tests::TempFolder folder_;
};

TEST_F(SettingsCheckTest, TheDefaultsAreWell) {
  EXPECT_EQ(refusal({}), "");
}

TEST_F(SettingsCheckTest, EveryTextIsCheckedByName) {
  const std::string none = folder_ / "none/file";
  for (const std::string assignment : {"http.listen=nowhere",
                                       "http.listen=a b:80",
                                       "http.listen=127.0.0.1:",
                                       "http.listen=h:+80",
                                       "http.listen=::1:80",
                                       "management.listen=x",
                                       "http.trusted_proxies=10.0.0.0/99",
                                       "gateway.cors_origins=*",
                                       "gateway.cors_origins=shop.example",
                                       "http.spans_url=https://h:1/v1",
                                       "http.spans_url=http://h",
                                       "http.spans_url=http://h:0/x",
                                       "log.level=loud",
                                       "users.email_verification=perhaps",
                                       "registry.peers=nope",
                                       "registry.urls=nope",
                                       "registry.credential=word",
                                       "registry.host=a b",
                                       "registry.host=h:80",
                                       "payments.stripe_url=stripe",
                                       "payments.stripe_url=ftp://h",
                                       "payments.stripe_url=https://",
                                       "payments.stripe_url=https://k@h"}) {
    const auto line = refusal({assignment});
    EXPECT_EQ(line.find(assignment.substr(0, assignment.find('='))), 0u) << assignment << ": " << line;
  }
  EXPECT_NE(refusal({"registry.lease=5s", "registry.renewal_interval=5s"}).find("registry.lease"),
            std::string::npos);
}

TEST_F(SettingsCheckTest, AProcessMayBeReachedByAnAddressOfVersionSix) {
  for (const std::string host : {"::1", "[::1]", "2001:db8::7", "127.0.0.1", "shop.example"})
    EXPECT_EQ(refusal({"registry.urls=http://[::1]:8761/eureka", "registry.host=" + host}), "") << host;
  for (const std::string wrong : {"[h]", "::g", "[::1]:80", "::1]"})
    EXPECT_EQ(refusal({"registry.host=" + wrong}).find("registry.host"), 0u) << wrong;
}

TEST_F(SettingsCheckTest, FilesAreLookedAt) {
  const std::string none = folder_ / "none/file";
  const auto key = file("key", "0123456789abcdef0123456789ABCDEF"), open_key = file("open", "x", 0644),
             short_key = file("short", "word");
  for (const auto& path : {open_key, short_key, std::string(folder_ / ".")})
    EXPECT_TRUE(refusal({"auth.key_file=" + path}).starts_with("auth.key_file: ")) << path;
  EXPECT_EQ(refusal({"auth.key_file=" + none}), "") << "it is waited for";
  EXPECT_EQ(refusal({"auth.key_file=" + key}), "");
  EXPECT_NE(refusal({"gateway.tls_key=" + key}, "", ServeRole::gateway).find("together"), std::string::npos);
  const auto tls =
      refusal({"gateway.tls_key=" + key, "gateway.tls_certificate=" + key}, "", ServeRole::gateway);
  EXPECT_EQ(tls.find("gateway.tls_certificate"), 0u) << tls;
  for (const auto& path : {none, std::string(folder_ / ".")})
    EXPECT_EQ(refusal({"http.access_log=" + path}).find("http.access_log: " + path), 0u) << path;
  const std::string log = folder_ / "access.log";
  EXPECT_EQ(refusal({"http.access_log=" + log}), "");
  EXPECT_FALSE(std::filesystem::exists(log)) << "a check makes no file";
  EXPECT_EQ(refusal({"http.access_log=-"}), "");
}

TEST_F(SettingsCheckTest, WhatAServiceReadsAtItsStartIsLookedAtBefore) {
  const std::string none = folder_ / "none/file";
  const auto secret = file("secret", "0123456789abcdef"), open_file = file("open", "word", 0644);
  const auto refusal_of = [](const std::string& assignment, const Services& services) -> std::string {
    try {
      Settings settings;
      settings.set("log.kafka=127.0.0.1:1");
      settings.set(assignment);
      expect_files(settings, services);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  const Services order{.order = true}, user{.user = true}, product{.product = true};
  for (const std::string key : {"payments.stripe_key_file", "payments.stripe_notice_secret_file"}) {
    for (const auto& path : {none, open_file, std::string(folder_ / ".")})
      EXPECT_EQ(refusal_of(key + '=' + path, order).find(key + ": "), 0u) << path;
    EXPECT_EQ(refusal_of(key + '=' + secret, order), "");
    EXPECT_EQ(refusal_of(key + '=' + none, product), "") << "the file is on the orders' host alone";
  }
  for (const std::string key :
       {"webhooks.tls_ca", "mail.tls_ca", "accounts.mysql_tls_ca", "records.mysql_tls_ca"})
    for (const auto& path : {none, secret})
      EXPECT_EQ(refusal_of(key + '=' + path, order).find(key + ": " + path), 0u) << key << path;
  EXPECT_EQ(refusal_of("webhooks.tls_ca=" + none, user), "");
  EXPECT_EQ(refusal_of("keys.folder=" + secret, user).find("keys.folder: " + secret), 0u);
  EXPECT_EQ(refusal_of("keys.folder=" + none, user), "") << "it is made";
  for (const std::string option : {"transactional.id=x", "no.such.thing=1", "socket.receive.buffer.bytes=x",
                                   "security.protocol=ssl,ssl.ca.location=/none"})
    EXPECT_EQ(refusal_of("log.kafka_options=" + option, product).find("log.kafka_options: "), 0u) << option;
  EXPECT_EQ(refusal_of("log.kafka_options=client.id=shop", product), "");
}

TEST_F(SettingsCheckTest, ASharedFileMayHaveTheGatewaysTlsAndACommandLineMayNot) {
  const std::string none = folder_ / "none.pem";
  const auto config =
      file("t.toml", "[gateway]\ntls_certificate = '" + none + "'\ntls_key = '" + none + "'\n");
  for (const auto role : {ServeRole::services, ServeRole::registry}) {
    EXPECT_EQ(refusal({}, config, role), "") << "those files are on the gateway's host alone";
    for (const std::string key : {"gateway.tls_certificate", "gateway.tls_key"})
      EXPECT_EQ(refusal({key + "=" + none}, config, role).find(key + ": has no effect in this role"), 0u);
  }
  for (const auto role : {ServeRole::gateway, ServeRole::all})
    EXPECT_EQ(refusal({}, config, role).find(config + ": line 2: gateway.tls_certificate"), 0u);
}

TEST_F(SettingsCheckTest, BuyersWaitLongerThanATakeOverOfASharedLog) {
  EXPECT_EQ(refusal({"orders.answer_time_max=3s"}), "") << "a log of its own has no other writer";
  EXPECT_EQ(refusal({"log.kafka=h:1", "orders.answer_time_max=3s"}).find("orders.answer_time_max: "), 0u);
  EXPECT_EQ(refusal({"log.kafka=h:1", "orders.answer_time_max=4s"}), "");
}

TEST_F(SettingsCheckTest, RoutesAndInstancesAreReadInEveryRole) {
  const auto line = refusal({}, file("r.toml", "[[gateway.routes]]\nid = 'a'\nservce = 's'\n"));
  EXPECT_NE(line.find("r.toml: line 3: gateway.routes \"a\": there is no 'servce'; did you mean service?"),
            std::string::npos)
      << line;
  for (const char* text :
       {"[gateway]\nservices = 5\n", "[gateway.services]\ns = 'nope'\n", "[gateway.services]\ns = []\n",
        "[gateway.services]\ns = 'h:0'\n", "[gateway.services]\ns = 'h:80/x'\n"}) {
    const auto said = refusal({}, file("s.toml", text));
    EXPECT_NE(said.find("s.toml: line "), std::string::npos) << text << said;
    EXPECT_NE(said.find(": gateway.services"), std::string::npos) << text << said;
  }
}

TEST_F(SettingsCheckTest, AWrongMeaningNamesFileAndLineWhereItStands) {
  const auto config = file("v.toml", "[http]\nthreads = 2\nlisten = 'nowhere'\n[log]\nlevel = 'loud'\n");
  const auto said = refusal({}, config);
  EXPECT_EQ(said.find(config + ": line 3: http.listen: 'nowhere'"), 0u) << said;
  EXPECT_EQ(refusal({"http.listen=h:1"}, config).find(config + ": line 5: log.level"), 0u);
  EXPECT_EQ(refusal({"http.listen=nowhere"}, config).find("http.listen: "), 0u) << "it stands elsewhere";
}

TEST_F(SettingsCheckTest, TheProcessThatIsAllRefusesWhatItCannotHonour) {
  const auto refused = [&](const std::string& text) {
    const auto config = file("all.toml", text);
    try {
      Settings settings;
      settings.read_file(config);
      check_settings(settings, config, ServeRole::all);
    } catch (const UsageError& error) {
      const std::string line = error.what();
      EXPECT_EQ(line.find(config + ": line "), 0u) << line;
      return line.substr(config.size());
    }
    return std::string();
  };
  EXPECT_EQ(refused("[registry]\ncredential = 'a:b'\n"),
            ": line 2: registry.credential: has no effect with --role all: it belongs to --role registry");
  EXPECT_EQ(refused("\n[auth]\nkey_file = '/none'\n").substr(0, 24), ": line 3: auth.key_file:");
  EXPECT_NE(refused("[gateway]\ndefault_routes = false\n").find(": line 2: gateway.default_routes"),
            std::string::npos);
  const std::string route = "[[gateway.routes]]\nid = 'x'\npath = '/api/v1/orders/**'\n";
  for (const char* idle : {"strip_prefix = 1", "timeout = '1s'", "set_status = 200", "coalesce = true",
                           "set_response_headers = {A = 'b'}", "retries = 0", "breaker = {}"}) {
    EXPECT_NE(refused(route + "service = 'market-order'\n" + idle).find("cannot be honoured"),
              std::string::npos)
        << idle;
    EXPECT_EQ(refused(route + "service = 'other'\n" + idle), "") << idle;
  }
  EXPECT_EQ(refused(route + "service = 'market-order'\nauthenticated = true\nin_flight_max = 5\n"
                            "user_rate = {per_second = 1}\npriority = 'paying'\n"),
            "");
  EXPECT_NE(refused(route + "service = 'other'\nfallback_service = 'market-order'\n"), "");
  EXPECT_EQ(refused("[gateway]\nstreams_per_user_max = 3\nin_flight_max = 9\n[ratelimit]\n"
                    "user_per_second = 5\n"),
            "");
}

TEST_F(SettingsCheckTest, SaysWhichSettingsDoNothingInARole) {
  Settings settings;
  settings.read_file(file("w.toml", "[[gateway.routes]]\nid = 'a'\nservice = 's'\n"));
  for (const char* given : {"auth.key_file=k", "orders.queue_max=7", "management.listen=h:1",
                            "registry.cache=1s", "http.threads=2"})
    settings.set(given);
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(settings_without_effect(settings, ServeRole::all), (Names{"auth.key_file", "registry.cache"}));
  EXPECT_EQ(settings_without_effect(settings, ServeRole::gateway),
            (Names{"orders.queue_max", "registry.cache"}));
  EXPECT_EQ(settings_without_effect(settings, ServeRole::registry),
            (Names{"gateway.routes", "auth.key_file", "orders.queue_max"}));
  EXPECT_TRUE(settings_without_effect(Settings(), ServeRole::all).empty());
}

TEST(SharedSettings, AreExpectedOfServicesApart) {
  const auto missing = [](const char* role, std::vector<std::string> given) {
    Settings settings;
    for (const auto& each : given) settings.set(each);
    try {
      expect_shared(settings, services_of(role));
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string accounts = "accounts.mysql=mysql://u:p@h:1/d", log = "log.kafka=h:1",
                    records = "records.mysql=mysql://u:p@h:1/d";
  EXPECT_EQ(missing("user,product,order", {}), "");
  EXPECT_EQ(missing("user", {}), "--role market-user: needs accounts.mysql: services apart share their data");
  EXPECT_EQ(missing("user", {accounts}), "");
  for (const char* role : {"product", "order", "product,order", "user,order"}) {
    EXPECT_NE(missing(role, {accounts}).find("needs log.kafka"), std::string::npos) << role;
    EXPECT_NE(missing(role, {accounts, log}).find("needs records.mysql"), std::string::npos) << role;
    EXPECT_EQ(missing(role, {accounts, log, records}), "") << role;
  }
}

}  // namespace
}  // namespace market::apps
