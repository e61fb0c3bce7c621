#include "wire/eureka/eureka_xml.hpp"

#include <pugixml.hpp>

namespace market::wire::eureka {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML 1.0 has no way to write the other control characters.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n') out += c;
    }
  }
}

void element(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">");
  append_escaped(out, text);
  out.append("</").append(name).append(">");
}
void element(std::string& out, std::string_view name, std::int64_t number) {
  element(out, name, std::string_view(std::to_string(number)));
}
void element_if_any(std::string& out, std::string_view name, std::string_view text) {
  if (!text.empty()) element(out, name, text);
}

/// A metadata key becomes an element's name: what cannot be one is left out.
bool is_name(std::string_view key) {
  if (key.empty()) return false;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool inner = letter || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (i == 0 ? !letter : !inner) return false;
  }
  return true;
}

void append_texts(std::string& out, const std::map<std::string, std::string>& texts) {
  for (const auto& [key, value] : texts)
    if (is_name(key)) element(out, key, value);
}

void append_port(std::string& out, std::string_view name, const registry::Port& port) {
  out.append("<").append(name).append(port.enabled ? R"( enabled="true">)" : R"( enabled="false">)");
  out.append(std::to_string(port.number)).append("</").append(name).append(">");
}

void append_data_center(std::string& out, const Instance& instance) {
  out += "<dataCenterInfo class=\"";
  append_escaped(out, instance.data_center_class);
  out += "\">";
  element(out, "name", instance.data_center);
  if (!instance.data_center_metadata.empty()) {
    out += "<metadata>";
    append_texts(out, instance.data_center_metadata);
    out += "</metadata>";
  }
  out += "</dataCenterInfo>";
}

void append_lease(std::string& out, const registry::LeaseInfo& lease) {
  out += "<leaseInfo>";
  element(out, "renewalIntervalInSecs", lease.renewal_seconds);
  element(out, "durationInSecs", lease.duration_seconds);
  element(out, "registrationTimestamp", lease.registered_ms);
  element(out, "lastRenewalTimestamp", lease.renewed_ms);
  element(out, "evictionTimestamp", lease.evicted_ms);
  element(out, "serviceUpTimestamp", lease.up_ms);
  out += "</leaseInfo>";
}

}  // namespace

void append_xml(std::string& out, const Instance& instance, Detail detail) {
  const bool full = detail == Detail::full;
  out += "<instance>";
  element_if_any(out, "instanceId", instance.id);
  element(out, "hostName", instance.host);
  element(out, "app", instance.app);
  element(out, "ipAddr", instance.ip);
  if (full && instance.sid != "na") element_if_any(out, "sid", instance.sid);
  element(out, "status", name_of(instance.status));
  if (full) element(out, "overriddenstatus", name_of(instance.overridden));
  append_port(out, "port", instance.port);
  append_port(out, "securePort", instance.secure_port);
  if (full) element(out, "countryId", std::int64_t{1});
  append_data_center(out, instance);
  if (full) {
    append_lease(out, instance.lease);
    out += instance.metadata.empty() ? R"(<metadata class="java.util.Collections$EmptyMap">)" : "<metadata>";
    append_texts(out, instance.metadata);
    out += "</metadata>";
    element_if_any(out, "appGroupName", instance.app_group);
    element_if_any(out, "homePageUrl", instance.home_page_url);
    element_if_any(out, "statusPageUrl", instance.status_page_url);
    element_if_any(out, "healthCheckUrl", instance.health_check_url);
    element_if_any(out, "secureHealthCheckUrl", instance.secure_health_check_url);
  }
  element_if_any(out, "asgName", instance.asg);
  element_if_any(out, "vipAddress", instance.vip);
  element_if_any(out, "secureVipAddress", instance.secure_vip);
  if (full) element(out, "isCoordinatingDiscoveryServer", instance.coordinating ? "true" : "false");
  element(out, "lastUpdatedTimestamp", instance.updated_ms);
  if (full) element(out, "lastDirtyTimestamp", instance.dirty_ms);
  element(out, "actionType", name_of(instance.action));
  out += "</instance>";
}

void XmlApplications::add(const Instance& instance) {
  if (app_ != instance.app) {
    if (!app_.empty()) text_ += "</application>";
    app_ = instance.app;
    text_ += "<application>";
    element(text_, "name", app_);
  }
  append_xml(text_, instance, detail_);
}

std::string XmlApplications::finish(std::string_view version, std::string_view hash) {
  if (!app_.empty()) text_ += "</application>";
  std::string all = "<applications>";
  element(all, "versions__delta", version);
  element(all, "apps__hashcode", hash);
  return all + text_ + "</applications>";
}

std::string xml_application(std::string_view name, const std::vector<Instance>& instances, Detail detail) {
  std::string text = "<application>";
  element(text, "name", name);
  for (const Instance& instance : instances) append_xml(text, instance, detail);
  return text + "</application>";
}

namespace {

std::int64_t number(const pugi::xml_node& node, std::int64_t fallback) {
  return node ? node.text().as_llong(fallback) : fallback;
}
std::string text(const pugi::xml_node& parent, const char* name) {
  return parent.child(name).text().as_string();
}

registry::Port port(const pugi::xml_node& node, registry::Port fallback) {
  if (!node) return fallback;
  registry::Port result = fallback;
  result.number = number(node, fallback.number);
  if (const auto enabled = node.attribute("enabled"))
    result.enabled = std::string_view(enabled.value()) == "true";
  return result;
}

std::map<std::string, std::string> texts(const pugi::xml_node& node) {
  std::map<std::string, std::string> found;
  for (const auto& child : node.children())
    if (child.type() == pugi::node_element) found.emplace(child.name(), child.text().as_string());
  return found;
}

registry::Status status(const pugi::xml_node& node, registry::Status fallback) {
  if (!node) return fallback;
  return registry::parse_status(node.text().as_string()).value_or(registry::Status::unknown);
}

std::int64_t seconds(const pugi::xml_node& node, std::int64_t fallback) {
  const auto value = number(node, fallback);
  constexpr std::int64_t longest = 7 * 24 * 3600;
  return value > 0 ? std::min(value, longest) : fallback;
}

}  // namespace

Result<Instance> parse_xml_instance(std::string_view body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_utf8))
    return fail(Code::bad_request, "the body is no XML");
  const auto root = document.child("instance");
  if (!root) return fail(Code::validation, "the body must be <instance>");
  Instance instance;
  instance.id = text(root, "instanceId");
  instance.host = text(root, "hostName");
  instance.app = text(root, "app");
  instance.ip = text(root, "ipAddr");
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
  const auto center = root.child("dataCenterInfo");
  const std::string name = text(center, "name");
  if (!name.empty()) instance.data_center = name;
  if (const auto type = center.attribute("class")) instance.data_center_class = type.value();
  instance.data_center_metadata = texts(center.child("metadata"));
  const auto lease = root.child("leaseInfo");
  instance.lease.renewal_seconds = seconds(lease.child("renewalIntervalInSecs"), 30);
  instance.lease.duration_seconds = seconds(lease.child("durationInSecs"), 90);
  instance.metadata = texts(root.child("metadata"));
  instance.coordinating = text(root, "isCoordinatingDiscoveryServer") == "true";
  instance.dirty_ms = number(root.child("lastDirtyTimestamp"), 0);
  if (const auto ok = check_registration(instance, !name.empty()); !ok) return tl::unexpected(ok.error());
  return instance;
}

}  // namespace market::wire::eureka
