#include "wire/eureka/registration_check.hpp"

#include <gtest/gtest.h>

#include "wire/eureka/eureka_xml.hpp"

namespace market::wire::eureka {
namespace {

using registry::DataCenter;

RegisteredInstance valid() {
  RegisteredInstance instance;
  instance.id = "a";
  instance.host = instance.ip = "h";
  instance.app = "SHOP";
  return instance;
}

std::string why(const RegisteredInstance& instance) {
  const auto ok = check_registration(instance);
  return ok ? "" : ok.error().detail;
}

/// A registration with these members beside the needed ones.
RegisteredInstance with(const std::string& members) {
  auto instance = parse_json_instance(
      R"({"instance":{"hostName":"h","ipAddr":"1.2.3.4","app":"shop","dataCenterInfo":{"name":"MyOwn"})" +
      members + "}}");
  EXPECT_TRUE(instance) << members;
  return instance ? *instance : RegisteredInstance();
}

RegisteredInstance with_center(const std::string& center) {
  auto instance = parse_json_instance(
      R"({"instance":{"hostName":"h","ipAddr":"1.2.3.4","app":"shop","dataCenterInfo":)" + center + "}}");
  EXPECT_TRUE(instance) << center;
  return instance ? *instance : RegisteredInstance();
}

constexpr const char* default_class = R"("@class":"com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo")";
constexpr const char* amazon_class = R"("@class":"com.netflix.appinfo.AmazonInfo")";

TEST(RegistrationCheck, takes_what_clients_send) {
  EXPECT_EQ(why(valid()), "");
  EXPECT_EQ(with("").app, "SHOP") << "names compare without case";
  for (const char* members :
       {R"(,"port":{"$":"8080","@enabled":true})", R"(,"port":8080)", R"(,"port":{"$":null})",
        R"(,"port":{"$":80.0})", R"(,"homePageUrl":"")", R"(,"homePageUrl":"http://h:80/")",
        R"(,"statusPageUrl":"/info","healthCheckUrl":"localhost:8080/health")",
        R"(,"metadata":{"health":"/up?x=1","prometheus.io/scrape":"true","größe":"\n\t"})",
        R"(,"metadata":{"health":"green"})", R"(,"vipAddress":"a,b","secureVipAddress":"")"})
    EXPECT_EQ(why(with(members)), "") << members;
}

TEST(RegistrationCheck, refuses_ports_that_are_no_numbers) {
  for (const char* port : {R"("8080abc")", "80.5", R"("")", "70000", "-1", "true", "[]", R"({"$":"x"})",
                           R"({"$":80.5})", R"({"$":"8080 "})"}) {
    EXPECT_NE(why(with(std::string(R"(,"port":)") + port)).find("port"), std::string::npos) << port;
    EXPECT_NE(why(with(std::string(R"(,"securePort":)") + port)).find("securePort"), std::string::npos)
        << port;
  }
  EXPECT_EQ(parse_xml_instance("<instance><port>8080abc</port></instance>")->port.number, -1);
  EXPECT_EQ(parse_xml_instance("<instance><port> 8080\n</port></instance>")->port.number, 8080);
}

TEST(RegistrationCheck, refuses_data_centres_that_blind_java_clients) {
  const std::string own = R"("name":"MyOwn")", amazon = R"("name":"Amazon")";
  for (const auto& center :
       {std::string(R"({"@class":"x.Foo","name":"MyOwn"})"),
        "{" + std::string(default_class) + R"(,"name":"my-dc"})",
        "{" + std::string(default_class) + R"(,"name":"myown"})",
        "{" + std::string(default_class) + "," + own + R"(,"metadata":{"a":"b"}})",
        "{" + std::string(amazon_class) + "," + amazon + "}",
        "{" + std::string(amazon_class) + "," + own + R"(,"metadata":{}})",
        "{" + std::string(default_class) + "}", std::string("{}"), std::string(R"("MyOwn")")})
    EXPECT_NE(why(with_center(center)), "") << center;
  for (const auto& center :
       {"{" + own + "}", "{" + std::string(default_class) + "," + amazon + "}",
        "{" + std::string(default_class) + R"(,"name":"Netflix"})",
        "{" + std::string(default_class) + "," + own + R"(,"metadata":{}})",
        "{" + std::string(amazon_class) + "," + amazon + R"(,"metadata":{"unknown-key":"x"}})"})
    EXPECT_EQ(why(with_center(center)), "") << center;
  const auto empty = with_center("{" + std::string(amazon_class) + "," + amazon + R"(,"metadata":{}})");
  EXPECT_NE(json_instance(empty, Detail::full).find(R"("metadata":{}})"), std::string::npos)
      << "it is needed";
}

TEST(RegistrationCheck, an_amazon_instance_has_its_own_id) {
  const std::string amazon =
      "{" + std::string(amazon_class) + R"(,"name":"Amazon","metadata":{"instance-id":"i-1"}})";
  EXPECT_EQ(with_center(amazon).key(), "i-1");
  EXPECT_FALSE(with_center(amazon).id);
  EXPECT_EQ(with("").key(), "h");
  EXPECT_EQ(with(R"(,"instanceId":"")").key(), "h");
  EXPECT_EQ(with(R"(,"instanceId":"x")").key(), "x");
}

TEST(RegistrationCheck, empty_texts_come_back_as_sent) {
  const char* members = R"(,"vipAddress":"","secureVipAddress":"","homePageUrl":"","sid":"")";
  const std::string json = json_instance(with(members), Detail::full);
  std::string xml;
  append_xml(xml, with(members), Detail::full);
  for (const char* name : {"vipAddress", "secureVipAddress", "homePageUrl", "sid"}) {
    EXPECT_NE(json.find('"' + std::string(name) + R"(":"")"), std::string::npos) << name;
    EXPECT_NE(xml.find('<' + std::string(name) + "></" + name + '>'), std::string::npos) << name;
  }
  EXPECT_EQ(json.find("asgName"), std::string::npos);
  EXPECT_EQ(json_instance(with(R"(,"homePageUrl":null)"), Detail::full).find("homePageUrl"),
            std::string::npos);
}

TEST(RegistrationCheck, each_field_has_a_bound_and_a_form) {
  const std::string big(900 * 1024, 'x');
  using Field = std::optional<std::string> RegisteredInstance::*;
  for (const Field field :
       {&RegisteredInstance::id, &RegisteredInstance::sid, &RegisteredInstance::app_group,
        &RegisteredInstance::asg, &RegisteredInstance::vip, &RegisteredInstance::secure_vip,
        &RegisteredInstance::home_page_url, &RegisteredInstance::status_page_url,
        &RegisteredInstance::health_check_url, &RegisteredInstance::secure_health_check_url})
    for (const std::string& bad :
         {big, std::string("a\r\nX: y"), std::string("a\x01"), std::string("a\u2028"), std::string("a\uFFFF"),
          std::string("a\x7F"), std::string("\xFF")}) {
      auto instance = valid();
      instance.*field = bad;
      EXPECT_NE(why(instance), "");
    }
  for (const auto field : {&RegisteredInstance::host, &RegisteredInstance::ip, &RegisteredInstance::app})
    for (const std::string& bad :
         {big, std::string(), std::string("a\r\n"), std::string("a\xFF"), std::string("a/b")}) {
      auto instance = valid();
      instance.*field = bad;
      EXPECT_NE(why(instance), "");
    }
  for (const char* url :
       {"javascript:alert(1)", "ftp://h/", "http://h/ x", "data:text/html,x", "h h", "http://\"h"}) {
    auto instance = valid();
    instance.status_page_url = url;
    EXPECT_NE(why(instance).find("statusPageUrl"), std::string::npos) << url;
  }
  for (const char* health : {"/x\r\nEvil: 1", "x\n", "/a b", "/a#b", "/\u00e9"}) {
    auto instance = valid();
    instance.metadata["health"] = health;
    EXPECT_NE(why(instance).find("health"), std::string::npos) << health;
  }
  for (const char* id : {".", "..", "a/b"}) {
    auto instance = valid();
    instance.id = id;
    EXPECT_NE(why(instance), "") << id;
  }
}

TEST(RegistrationCheck, refuses_what_xml_cannot_carry) {
  for (const char* bad : {"\x01", "a\x0B", "\uFFFE", "x\uFFFF", "\xFF", "\xED\xA0\x80"}) {
    auto key = valid(), value = valid(), amazon = valid();
    key.metadata[bad] = "v";
    value.metadata["k"] = bad;
    amazon.data_center = {std::string(DataCenter::amazon_class), "Amazon",
                          registry::Metadata{{std::string(bad), "v"}}};
    for (const auto& instance : {key, value, amazon})
      EXPECT_NE(why(instance).find("metadata"), std::string::npos);
    EXPECT_FALSE(check_metadata_texts({{std::string(bad), std::string()}}));
  }
  EXPECT_TRUE(check_metadata_texts({{"a\"b", "\t\n\r\u2028\x7F"}, {std::string(), "x"}}));
}

/// Of keys and values together, in either format.
TEST(RegistrationCheck, metadata_is_bounded) {
  auto instance = valid();
  instance.metadata["k"] = std::string(registry::metadata_bytes_max - 1, 'x');
  EXPECT_EQ(why(instance), "");
  instance.metadata["l"] = "";
  const auto refused = check_registration(instance);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::payload_too_large);
  EXPECT_NE(refused.error().detail.find("metadata_bytes_max"), std::string::npos);
  instance.metadata.clear();
  for (std::size_t i = 0; i <= registry::metadata_entries_max; ++i)
    instance.metadata["k" + std::to_string(i)] = "";
  EXPECT_EQ(check_registration(instance).error().code, Code::payload_too_large);
}

}  // namespace
}  // namespace market::wire::eureka
