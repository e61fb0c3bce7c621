// Recorded traffic of real Java software (tests/interop/golden), read and written by our codecs.
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "wire/eureka/eureka_xml.hpp"
#include "wire/eureka/registration_check.hpp"

namespace market::wire::eureka {
namespace {

namespace json = boost::json;

/// The body of the recorded request or response.
std::string recorded(const std::string& name, const std::string& part) {
  std::ifstream file("tests/interop/golden/" + name + ".http");  // From the root: see tests/CMakeLists.txt.
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  const auto from = all.find("### " + part);
  EXPECT_NE(from, std::string::npos) << name;
  const auto to = all.find("\n### ", from + 1);
  const std::string exchange = all.substr(from, to == std::string::npos ? to : to - from);
  const auto blank = exchange.find("\n\n");
  std::string body = blank == std::string::npos ? "" : exchange.substr(blank + 2);
  while (!body.empty() && body.back() == '\n') body.pop_back();
  return body;
}

/// As a client sees it: order of members and of list elements' members does not count.
json::value sorted(const json::value& value) {
  if (const auto* list = value.if_array()) {
    json::array all;
    for (const auto& element : *list) all.push_back(sorted(element));
    return all;
  }
  if (!value.is_object()) return value;
  std::map<std::string, json::value> members;
  for (const auto& member : value.get_object()) members[std::string(member.key())] = sorted(member.value());
  json::object all;
  for (auto& [key, member] : members) all[key] = std::move(member);
  return all;
}

std::string pretty(const std::string& text) {
  return json::serialize(sorted(json::parse(text)));
}

std::string replaced(std::string text, const char* pattern, const char* by) {
  RE2::GlobalReplace(&text, pattern, by);
  return text;
}

std::string without_blanks(const std::string& xml) {
  return replaced(xml, ">\\s+<", "><");
}

template <class Builder>
std::string build(const Applications& list, Detail detail) {
  Builder builder(detail);
  for (const auto& instance : list.instances) builder.add(instance);
  return builder.finish(list.version, list.hash);
}

TEST(Eureka, writes_what_netflix_wrote) {
  for (const char* name : {"apps-full.json", "apps-empty.json", "delta-after-cancel.json"}) {
    const std::string body = recorded(name, "response");
    const auto list = parse_json_applications(body);
    ASSERT_TRUE(list) << name;
    EXPECT_EQ(pretty(build<JsonApplications>(*list, Detail::full)), pretty(body)) << name;
  }
}

TEST(Eureka, writes_the_compact_form) {
  const auto list = parse_json_applications(recorded("apps-full.json", "response"));
  ASSERT_TRUE(list);
  // Netflix writes this one number bare in the compact form alone; every client reads both.
  const std::string theirs = replaced(recorded("apps-full-compact.json", "response"),
                                      R"("lastUpdatedTimestamp":(\d+))", R"("lastUpdatedTimestamp":"\1")");
  EXPECT_EQ(pretty(build<JsonApplications>(*list, Detail::compact)), pretty(theirs));
}

TEST(Eureka, writes_single_instances) {
  for (const char* name : {"instance.json", "instance-minimal.json", "instance-from-xml.json"}) {
    const std::string body = recorded(name, "response");
    auto instance = parse_json_instance(body);
    ASSERT_TRUE(instance) << name;
    EXPECT_EQ(pretty(json_instance(*instance, Detail::full)), pretty(body)) << name;
  }
}

TEST(Eureka, writes_xml_as_netflix) {
  const auto list = parse_json_applications(recorded("apps-full.json", "response"));
  ASSERT_TRUE(list);
  // The two were fetched one after the other: only the heartbeats between them may differ.
  const auto same = [&](const std::string& text) {
    return replaced(without_blanks(text), "<lastRenewalTimestamp>\\d+<", "<lastRenewalTimestamp>0<");
  };
  EXPECT_EQ(same(build<XmlApplications>(*list, Detail::full)), same(recorded("apps-full.xml", "response")));
  const auto empty = parse_json_applications(recorded("apps-empty.json", "response"));
  EXPECT_EQ(build<XmlApplications>(*empty, Detail::full),
            without_blanks(recorded("apps-empty.xml", "response")));
}

TEST(Eureka, reads_every_transports_registration) {
  for (const char* name : {"register-resttemplate", "register-jersey", "register-webclient"}) {
    const auto instance = parse_json_instance(recorded(name, "request"));
    ASSERT_TRUE(instance) << name << ": " << instance.error().detail;
    EXPECT_EQ(instance->status, registry::Status::up) << name;
    EXPECT_EQ(instance->lease.renewal_seconds, 2) << name;
    EXPECT_EQ(instance->lease.duration_seconds, 6) << name;
    EXPECT_TRUE(instance->port.enabled) << name;
    EXPECT_FALSE(instance->secure_port.enabled) << name;
    EXPECT_GT(instance->dirty_ms, 1'700'000'000'000) << name;
    EXPECT_EQ(instance->metadata.count("management.port"), 1u) << name;
  }
  EXPECT_TRUE(parse_json_instance(recorded("register-minimal.json", "request")));
  const auto nameless = parse_json_instance(recorded("register-missing-instanceId", "request"));
  ASSERT_TRUE(nameless);
  EXPECT_EQ(nameless->key(), nameless->host);
}

TEST(Eureka, reads_xml_as_the_same_as_json) {
  auto instance = parse_xml_instance(recorded("register.xml", "request"));
  ASSERT_TRUE(instance) << instance.error().detail;
  const auto theirs = parse_json_instance(recorded("instance-from-xml.json", "response"));
  ASSERT_TRUE(theirs);
  instance->lease = theirs->lease;
  instance->updated_ms = theirs->updated_ms;
  EXPECT_EQ(json_instance(*instance, Detail::full), json_instance(*theirs, Detail::full));
}

TEST(Eureka, xml_survives_hostile_texts) {
  auto instance = parse_json_instance(recorded("instance.json", "response"));
  ASSERT_TRUE(instance);
  instance->metadata = {{"good", "<&>\" \r\n\t text"}, {"blank", " "}, {"bad name", "x"}, {"1st", "x"}};
  std::string text;
  append_xml(text, *instance, Detail::full);
  const auto again = parse_xml_instance(text);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->metadata, (registry::Metadata{{"good", "<&>\" \r\n\t text"}, {"blank", " "}}));
  instance->metadata = {{"bad", "\x01\xFF\xEF\xBF\xBE"}};
  text.clear();
  append_xml(text, *instance, Detail::full);
  EXPECT_EQ(parse_xml_instance(text)->metadata.at("bad"), "\uFFFD\uFFFD\uFFFD");
}

TEST(Eureka, refuses_what_netflix_refused) {
  for (const char* name : {"register-missing-hostName", "register-missing-ipAddr", "register-missing-app",
                           "register-missing-dataCenterInfo"})
    EXPECT_FALSE(check_registration(*parse_json_instance(recorded(name, "request")))) << name;
  EXPECT_FALSE(parse_json_instance(recorded("register-garbage", "request")));
  EXPECT_FALSE(check_registration(*parse_xml_instance("<instance><hostName>h</hostName></instance>")));
  EXPECT_FALSE(parse_xml_instance("no xml"));
}

TEST(Eureka, reads_single_objects_where_lists_belong) {
  const auto list = parse_json_applications(
      R"({"applications":{"versions__delta":1,"apps__hashcode":"UP_1_","application":{"name":"A","instance":
         {"hostName":"h","app":"A","ipAddr":"1","port":{"$":"80","@enabled":true}}}}})");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->instances.size(), 1u);
  EXPECT_EQ(list->instances[0].port.number, 80);
  EXPECT_EQ(list->version, "1");
  EXPECT_TRUE(parse_json_applications(R"({"applications":{}})")->instances.empty());
}

TEST(Eureka, batches_between_registries) {
  for (const char* name : {"replication-register", "replication-conflict", "replication-status",
                           "replication-cancel", "replication-heartbeat"}) {
    const std::string body = recorded(name, "request");
    const auto batch = parse_json_batch(body);
    ASSERT_TRUE(batch) << name;
    EXPECT_EQ(pretty(json_batch(*batch)), pretty(body)) << name;
    const std::string answer = recorded(name, "response");
    const auto answers = parse_json_batch_answer(answer);
    ASSERT_TRUE(answers) << name;
    EXPECT_EQ(pretty(json_batch_answer(*answers)), pretty(answer)) << name;
  }
}

TEST(Eureka, AnItemOfABatchThatCannotBeReadKeepsItsPlace) {
  const auto batch = parse_json_batch(
      R"({"replicationList":[{"appName":"A","id":"1","action":"Heartbeat"},{"appName":"A","id":"2",
      "action":"Bogus"},5,null,[],{"appName":"A","id":"3"},{"id":"4","action":7},
      {"appName":"A","id":"5","action":"Cancel"}]})");
  ASSERT_TRUE(batch);
  using enum Replicated::What;
  std::vector<Replicated::What> read;
  for (const auto& item : *batch) read.push_back(item.what);
  EXPECT_EQ(read, (std::vector{heartbeat, unreadable, unreadable, unreadable, unreadable, unreadable,
                               unreadable, cancel}));
  EXPECT_EQ(batch->back().id, "5");
}

}  // namespace
}  // namespace market::wire::eureka
