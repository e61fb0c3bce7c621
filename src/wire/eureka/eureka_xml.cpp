#include "wire/eureka/eureka_xml.hpp"

#include <pugixml.hpp>

#include "base/text.hpp"
#include "wire/eureka/read_values.hpp"
#include "wire/eureka/xml_writer.hpp"

namespace market::wire::eureka {
namespace {

using OptionalText = std::optional<std::string>;

void element_if_any(XmlWriter& xml, std::string_view name, const OptionalText& text) {
  if (text) xml.element(name, *text);
}

void write_port(XmlWriter& xml, std::string_view name, const registry::Port& port) {
  const std::string number = std::to_string(port.number);
  xml.begin(name, {"enabled", port.enabled ? "true" : "false"}).text(number).end(name);
}

void write_data_center(XmlWriter& xml, const registry::DataCenter& center) {
  xml.begin("dataCenterInfo", {"class", center.java_class}).element("name", center.name);
  if (center.metadata) xml.begin("metadata").entries(*center.metadata).end("metadata");
  xml.end("dataCenterInfo");
}

void write_lease(XmlWriter& xml, const registry::LeaseInfo& lease) {
  xml.begin("leaseInfo");
  xml.element("renewalIntervalInSecs", lease.renewal_seconds);
  xml.element("durationInSecs", lease.duration_seconds);
  xml.element("registrationTimestamp", lease.registered_ms);
  xml.element("lastRenewalTimestamp", lease.renewed_ms);
  xml.element("evictionTimestamp", lease.evicted_ms);
  xml.element("serviceUpTimestamp", lease.up_ms);
  xml.end("leaseInfo");
}

void write_metadata(XmlWriter& xml, const registry::Metadata& metadata) {
  if (metadata.empty())
    xml.begin("metadata", {"class", "java.util.Collections$EmptyMap"});
  else
    xml.begin("metadata");
  xml.entries(metadata).end("metadata");
}

void write_instance(XmlWriter& xml, const RegisteredInstance& instance, Detail detail) {
  const bool full = detail == Detail::full;
  xml.begin("instance");
  element_if_any(xml, "instanceId", instance.id);
  xml.element("hostName", instance.host);
  xml.element("app", instance.app);
  xml.element("ipAddr", instance.ip);
  if (full && instance.sid != "na") element_if_any(xml, "sid", instance.sid);
  xml.element("status", name_of(instance.status));
  if (full) xml.element("overriddenstatus", name_of(instance.overridden));
  write_port(xml, "port", instance.port);
  write_port(xml, "securePort", instance.secure_port);
  if (full) xml.element("countryId", std::int64_t{1});
  write_data_center(xml, instance.data_center);
  if (full) {
    write_lease(xml, instance.lease);
    write_metadata(xml, instance.metadata);
    element_if_any(xml, "appGroupName", instance.app_group);
    element_if_any(xml, "homePageUrl", instance.home_page_url);
    element_if_any(xml, "statusPageUrl", instance.status_page_url);
    element_if_any(xml, "healthCheckUrl", instance.health_check_url);
    element_if_any(xml, "secureHealthCheckUrl", instance.secure_health_check_url);
  }
  element_if_any(xml, "asgName", instance.asg);
  element_if_any(xml, "vipAddress", instance.vip);
  element_if_any(xml, "secureVipAddress", instance.secure_vip);
  if (full) xml.element("isCoordinatingDiscoveryServer", instance.coordinating ? "true" : "false");
  xml.element("lastUpdatedTimestamp", instance.updated_ms);
  if (full) xml.element("lastDirtyTimestamp", instance.dirty_ms);
  xml.element("actionType", name_of(instance.action));
  xml.end("instance");
}

}  // namespace

void append_xml(std::string& out, const RegisteredInstance& instance, Detail detail) {
  XmlWriter xml(out);
  write_instance(xml, instance, detail);
}

void XmlApplications::add(const RegisteredInstance& instance) {
  XmlWriter xml(text_);
  if (app_ != instance.app) {
    if (!app_.empty()) xml.end("application");
    app_ = instance.app;
    xml.begin("application").element("name", app_);
  }
  write_instance(xml, instance, detail_);
}

std::string XmlApplications::finish(std::string_view version, std::string_view hash) {
  std::string all;
  XmlWriter xml(all);
  xml.begin("applications").element("versions__delta", version).element("apps__hashcode", hash);
  all += text_;
  if (!app_.empty()) xml.end("application");
  xml.end("applications");
  return all;
}

std::string xml_application(std::string_view name, const std::vector<RegisteredInstance>& instances,
                            Detail detail) {
  std::string text;
  XmlWriter xml(text);
  xml.begin("application").element("name", name);
  for (const RegisteredInstance& instance : instances) write_instance(xml, instance, detail);
  xml.end("application");
  return text;
}

namespace {

/// What stands between elements for the eye is no part of a number or a word.
std::string_view word(const pugi::xml_node& node) {
  return trimmed(node.text().as_string(), " \t\r\n");
}

OptionalText text(const pugi::xml_node& parent, const char* name) {
  const auto node = parent.child(name);
  if (!node) return std::nullopt;
  return node.text().as_string();
}

std::int64_t number(const pugi::xml_node& node, std::int64_t fallback) {
  return parse_number(word(node)).value_or(fallback);
}

registry::Port port(const pugi::xml_node& node, registry::Port fallback) {
  if (!node) return fallback;
  registry::Port result = fallback;
  result.number = parse_number(word(node)).value_or(unreadable_port);
  if (const auto enabled = node.attribute("enabled")) result.enabled = is_true(enabled.value());
  return result;
}

registry::Metadata entries(const pugi::xml_node& node) {
  registry::Metadata found;
  for (const auto& child : node.children())
    if (child.type() == pugi::node_element) found.emplace(child.name(), child.text().as_string());
  return found;
}

registry::Status status(const pugi::xml_node& node, registry::Status fallback) {
  if (!node) return fallback;
  return registry::parse_status(word(node)).value_or(registry::Status::unknown);
}

registry::DataCenter data_center(const pugi::xml_node& node) {
  std::optional<registry::Metadata> metadata;
  if (const auto child = node.child("metadata")) metadata = entries(child);
  return data_center_of(node.attribute("class").value(), std::string(word(node.child("name"))),
                        std::move(metadata));
}

}  // namespace

Result<RegisteredInstance> parse_xml_instance(std::string_view body) {
  pugi::xml_document document;
  // A text of blanks alone is a text, too.
  constexpr unsigned options = pugi::parse_default | pugi::parse_ws_pcdata_single;
  if (!document.load_buffer(body.data(), body.size(), options, pugi::encoding_utf8))
    return fail(Code::bad_request, "the body is no XML");
  const auto root = document.child("instance");
  if (!root) return fail(Code::validation, "the body must be <instance>");
  RegisteredInstance instance;
  instance.id = text(root, "instanceId");
  instance.host = text(root, "hostName").value_or("");
  instance.app = registry::upper(text(root, "app").value_or(""));
  instance.ip = text(root, "ipAddr").value_or("");
  instance.sid = text(root, "sid");
  instance.app_group = text(root, "appGroupName");
  instance.asg = text(root, "asgName");
  instance.home_page_url = text(root, "homePageUrl");
  instance.status_page_url = text(root, "statusPageUrl");
  instance.health_check_url = text(root, "healthCheckUrl");
  instance.secure_health_check_url = text(root, "secureHealthCheckUrl");
  instance.vip = text(root, "vipAddress");
  instance.secure_vip = text(root, "secureVipAddress");
  instance.status = status(root.child("status"), registry::Status::up);
  const auto lower = root.child("overriddenstatus");
  instance.overridden = status(lower ? lower : root.child("overriddenStatus"), registry::Status::unknown);
  instance.port = port(root.child("port"), instance.port);
  instance.secure_port = port(root.child("securePort"), instance.secure_port);
  instance.data_center = data_center(root.child("dataCenterInfo"));
  const auto lease = root.child("leaseInfo");
  instance.lease.renewal_seconds = lease_seconds(number(lease.child("renewalIntervalInSecs"), 0), 30);
  instance.lease.duration_seconds = lease_seconds(number(lease.child("durationInSecs"), 0), 90);
  instance.metadata = entries(root.child("metadata"));
  instance.coordinating = is_true(word(root.child("isCoordinatingDiscoveryServer")));
  instance.dirty_ms = number(root.child("lastDirtyTimestamp"), 0);
  return instance;
}

}  // namespace market::wire::eureka
