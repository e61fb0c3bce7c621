// Random Unicode in every text and key that a client can set: what is accepted is read back as it was sent,
// by parsers that are not ours.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/json.hpp>
#include <pugixml.hpp>

#include "wire/eureka/eureka_xml.hpp"
#include "wire/eureka/registration_check.hpp"
#include "wire/eureka/xml_writer.hpp"
#include "wire/json/json.hpp"
#include "wire/json/unicode.hpp"

namespace market::wire::eureka {
namespace {

void append_utf8(std::string& out, char32_t c) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// Characters with a meaning somewhere are as frequent as all others together.
rc::Gen<std::string> any_text() {
  const auto special =
      rc::gen::element<char32_t>('"', '\\', '&', '<', '>', '\'', '\t', '\n', '\r', 1, 0x1F, 0x7F, 0x85,
                                 0x2028, 0x2029, 0xFFFD, 0xFFFE, 0xFFFF, 0x1F600, ']', '}', ':');
  const auto other = rc::gen::suchThat(rc::gen::inRange<char32_t>(0x20, 0x110000),
                                       [](char32_t c) { return c < 0xD800 || c > 0xDFFF; });
  const auto plain = rc::gen::inRange<char32_t>(0x20, 0x7F);
  return rc::gen::map(rc::gen::container<std::vector<char32_t>>(rc::gen::oneOf(special, other, plain)),
                      [](const std::vector<char32_t>& characters) {
                        std::string text;
                        for (const char32_t c : characters) append_utf8(text, c);
                        return text;
                      });
}

std::string any_bytes() {
  const auto bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  return bytes;
}

RegisteredInstance any_instance() {
  RegisteredInstance instance;
  instance.host = instance.ip = "h";
  instance.app = "A" + *any_text();
  instance.id = "i" + *any_text();
  for (auto* text : {&instance.sid, &instance.app_group, &instance.asg, &instance.vip, &instance.secure_vip})
    *text = *any_text();
  for (auto* url : {&instance.home_page_url, &instance.status_page_url, &instance.health_check_url,
                    &instance.secure_health_check_url})
    *url = "/" + *any_text();
  instance.metadata = *rc::gen::container<registry::Metadata>(any_text(), any_text());
  instance.data_center = {std::string(registry::DataCenter::amazon_class), "Amazon",
                          *rc::gen::container<registry::Metadata>(any_text(), any_text())};
  instance.metadata.erase("@class");
  instance.data_center.metadata->erase("@class");
  return instance;
}

std::string text(const boost::json::object& object, const char* name) {
  return std::string(object.at(name).as_string());
}

registry::Metadata entries(const boost::json::value& value) {
  registry::Metadata all;
  for (const auto& entry : value.as_object())
    all.emplace(entry.key(), std::string(entry.value().as_string()));
  return all;
}

registry::Metadata with_xml_names(registry::Metadata all) {
  std::erase_if(all, [](const auto& entry) { return !is_xml_name(entry.first); });
  return all;
}

registry::Metadata entries(const pugi::xml_node& node) {
  registry::Metadata all;
  for (const auto& child : node.children()) all.emplace(child.name(), child.text().as_string());
  return all;
}

RC_GTEST_PROP(Writers, json_is_read_back_by_another_parser, ()) {
  const auto instance = any_instance();
  JsonApplications list(Detail::full);
  list.add(instance);
  for (const auto& body : {list.finish("1", "UP_1_"), json_change(7, instance)}) {
    const auto parsed = boost::json::parse(body);  // Whatever was accepted or not: never invalid JSON.
    const auto& root = parsed.as_object();
    const auto& found = root.contains("instance")
                            ? root.at("instance").as_object()
                            : parsed.at_pointer("/applications/application/0/instance/0").as_object();
    RC_ASSERT(text(found, "app") == instance.app);
    RC_ASSERT(text(found, "instanceId") == *instance.id);
    RC_ASSERT(text(found, "sid") == *instance.sid);
    RC_ASSERT(text(found, "appGroupName") == *instance.app_group);
    RC_ASSERT(text(found, "asgName") == *instance.asg);
    RC_ASSERT(text(found, "vipAddress") == *instance.vip);
    RC_ASSERT(text(found, "secureVipAddress") == *instance.secure_vip);
    RC_ASSERT(text(found, "homePageUrl") == *instance.home_page_url);
    RC_ASSERT(text(found, "statusPageUrl") == *instance.status_page_url);
    RC_ASSERT(text(found, "healthCheckUrl") == *instance.health_check_url);
    RC_ASSERT(text(found, "secureHealthCheckUrl") == *instance.secure_health_check_url);
    RC_ASSERT(entries(found.at("dataCenterInfo").at("metadata")) == *instance.data_center.metadata);
    if (!instance.metadata.empty()) RC_ASSERT(entries(found.at("metadata")) == instance.metadata);
    RC_ASSERT(found.at("hostName").as_string() == "h");
  }
}

RC_GTEST_PROP(Writers, xml_is_read_back_by_another_parser, ()) {
  auto instance = any_instance();
  std::string body;
  append_xml(body, instance, Detail::full);
  pugi::xml_document document;
  RC_ASSERT(document.load_buffer(body.data(), body.size(), pugi::parse_default | pugi::parse_ws_pcdata_single,
                                 pugi::encoding_utf8));
  if (!check_registration(instance)) {
    // Kept out at the registration, but the rest of the answer must not break even so.
    RC_ASSERT(std::string(document.child("instance").child("hostName").text().as_string()) == "h");
    for (auto* metadata : {&instance.metadata, &*instance.data_center.metadata})
      if (!check_metadata_texts(*metadata)) return;
  }
  const auto found = document.child("instance");
  RC_ASSERT(entries(found.child("metadata")) == with_xml_names(instance.metadata));
  RC_ASSERT(entries(found.child("dataCenterInfo").child("metadata")) ==
            with_xml_names(*instance.data_center.metadata));
}

RC_GTEST_PROP(Writers, what_xml_can_carry_comes_back, ()) {
  auto value = *any_text();
  if (!is_xml_text(value)) return;
  std::string body;
  XmlWriter(body).begin("a", {"b", value}).text(value).end("a");
  pugi::xml_document document;
  RC_ASSERT(document.load_buffer(body.data(), body.size(), pugi::parse_default | pugi::parse_ws_pcdata_single,
                                 pugi::encoding_utf8));
  RC_ASSERT(std::string(document.child("a").text().as_string()) == value);
  RC_ASSERT(std::string(document.child("a").attribute("b").value()) == value);
}

RC_GTEST_PROP(Writers, bytes_that_are_no_text_break_nothing, ()) {
  const std::string key = any_bytes(), value = any_bytes();
  std::string json, xml;
  JsonWriter(json).begin_object().member(key, value).end_object();
  const auto parsed = boost::json::parse(json);
  const auto& member = *parsed.as_object().begin();
  if (is_utf8(key)) RC_ASSERT(std::string(member.key()) == key);
  if (is_utf8(value)) RC_ASSERT(std::string(member.value().as_string()) == value);
  XmlWriter(xml).begin("a", {"b", key}).text(value).end("a");
  RC_ASSERT(is_xml_text(xml));
  pugi::xml_document document;
  RC_ASSERT(document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8));
}

}  // namespace
}  // namespace market::wire::eureka
