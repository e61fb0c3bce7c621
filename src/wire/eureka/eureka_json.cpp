#include "wire/eureka/eureka_json.hpp"

#include <fmt/format.h>

#include "wire/json/json.hpp"

namespace market::wire::eureka {
namespace {

/// Writes the members of one object, commas included.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_ += '{'; }
  ~Members() { out_ += '}'; }
  Members(const Members&) = delete;
  std::string& name(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_.append(name).append("\":");
    return out_;
  }
  void text(std::string_view key, std::string_view value) { append_json_string(name(key), value); }
  void text_if_any(std::string_view key, std::string_view value) {
    if (!value.empty()) text(key, value);
  }
  void number(std::string_view key, std::int64_t value) {
    const fmt::format_int digits(value);
    name(key).append(digits.data(), digits.size());
  }
  void quoted(std::string_view key, std::int64_t value) {
    const fmt::format_int digits(value);
    name(key).append("\"").append(digits.data(), digits.size()).append("\"");
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void append_port(Members& members, std::string_view name, const registry::Port& port) {
  std::string& out = members.name(name);
  const fmt::format_int digits(port.number);
  out.append("{\"$\":").append(digits.data(), digits.size());
  out.append(port.enabled ? R"(,"@enabled":"true"})" : R"(,"@enabled":"false"})");
}

void append_texts(std::string& out, const std::map<std::string, std::string>& texts) {
  Members members(out);
  for (const auto& [key, value] : texts) members.text(key, value);
}

void append_data_center(Members& members, const Instance& instance) {
  Members inner(members.name("dataCenterInfo"));
  inner.text("@class", instance.data_center_class);
  inner.text("name", instance.data_center);
  if (!instance.data_center_metadata.empty())
    append_texts(inner.name("metadata"), instance.data_center_metadata);
}

void append_lease(Members& members, const registry::LeaseInfo& lease) {
  Members inner(members.name("leaseInfo"));
  inner.number("renewalIntervalInSecs", lease.renewal_seconds);
  inner.number("durationInSecs", lease.duration_seconds);
  inner.number("registrationTimestamp", lease.registered_ms);
  inner.number("lastRenewalTimestamp", lease.renewed_ms);
  inner.number("evictionTimestamp", lease.evicted_ms);
  inner.number("serviceUpTimestamp", lease.up_ms);
}

}  // namespace

void append_json(std::string& out, const Instance& instance, Detail detail) {
  const bool full = detail == Detail::full;
  Members members(out);
  members.text_if_any("instanceId", instance.id);
  members.text("hostName", instance.host);
  members.text("app", instance.app);
  members.text("ipAddr", instance.ip);
  if (full && instance.sid != "na") members.text_if_any("sid", instance.sid);
  members.text("status", name_of(instance.status));
  if (full) members.text("overriddenStatus", name_of(instance.overridden));
  append_port(members, "port", instance.port);
  append_port(members, "securePort", instance.secure_port);
  if (full) members.number("countryId", 1);
  append_data_center(members, instance);
  if (full) {
    append_lease(members, instance.lease);
    if (instance.metadata.empty())
      members.name("metadata").append(R"({"@class":"java.util.Collections$EmptyMap"})");
    else
      append_texts(members.name("metadata"), instance.metadata);
    members.text_if_any("homePageUrl", instance.home_page_url);
    members.text_if_any("statusPageUrl", instance.status_page_url);
    members.text_if_any("healthCheckUrl", instance.health_check_url);
    members.text_if_any("secureHealthCheckUrl", instance.secure_health_check_url);
    members.text_if_any("appGroupName", instance.app_group);
  }
  members.text_if_any("asgName", instance.asg);
  members.text_if_any("vipAddress", instance.vip);
  members.text_if_any("secureVipAddress", instance.secure_vip);
  if (full) members.text("isCoordinatingDiscoveryServer", instance.coordinating ? "true" : "false");
  members.quoted("lastUpdatedTimestamp", instance.updated_ms);
  if (full) members.quoted("lastDirtyTimestamp", instance.dirty_ms);
  members.text("actionType", name_of(instance.action));
}

void JsonApplications::add(const Instance& instance) {
  if (app_ == instance.app) {
    text_ += ',';
  } else {
    if (!app_.empty()) text_ += "]},";
    app_ = instance.app;
    text_ += R"({"name":)";
    append_json_string(text_, app_);
    text_ += R"(,"instance":[)";
  }
  append_json(text_, instance, detail_);
}

std::string JsonApplications::finish(std::string_view version, std::string_view hash) {
  if (!app_.empty()) text_ += "]}";
  text_ += R"(],"versions__delta":)";
  append_json_string(text_, version);
  text_ += R"(,"apps__hashcode":)";
  append_json_string(text_, hash);
  text_ += "}}";
  return std::move(text_);
}

std::string json_application(std::string_view name, const std::vector<Instance>& instances, Detail detail) {
  std::string text = R"({"application":{"name":)";
  append_json_string(text, name);
  text += R"(,"instance":[)";
  for (std::size_t i = 0; i < instances.size(); ++i) {
    if (i > 0) text += ',';
    append_json(text, instances[i], detail);
  }
  return text + "]}}";
}

std::string json_instance(const Instance& instance, Detail detail) {
  std::string text = R"({"instance":)";
  append_json(text, instance, detail);
  return text + "}";
}

namespace {

std::string_view name_of(Replicated::What what) {
  switch (what) {
    case Replicated::What::enroll:
      return "Register";
    case Replicated::What::heartbeat:
      return "Heartbeat";
    case Replicated::What::cancel:
      return "Cancel";
    case Replicated::What::status_update:
      return "StatusUpdate";
    case Replicated::What::delete_override:
      return "DeleteStatusOverride";
  }
  return "Heartbeat";
}

}  // namespace

std::string json_batch(const std::vector<Replicated>& items) {
  std::string text = R"({"replicationList":[)";
  for (const Replicated& item : items) {
    if (text.back() != '[') text += ',';
    Members members(text);
    members.text("appName", item.app);
    members.text("id", item.id);
    if (item.dirty_ms) members.number("lastDirtyTimestamp", *item.dirty_ms);
    if (item.status) members.text("status", registry::name_of(*item.status));
    if (item.overridden) members.text("overriddenStatus", registry::name_of(*item.overridden));
    if (item.instance) append_json(members.name("instanceInfo"), *item.instance, Detail::full);
    members.text("action", name_of(item.what));
  }
  return text + "]}";
}

std::string json_batch_answer(const std::vector<ReplicationAnswer>& answers) {
  std::string text = R"({"responseList":[)";
  for (const ReplicationAnswer& answer : answers) {
    if (text.back() != '[') text += ',';
    Members members(text);
    members.number("statusCode", answer.status);
    if (answer.instance) append_json(members.name("responseEntity"), *answer.instance, Detail::full);
  }
  return text + "]}";
}

}  // namespace market::wire::eureka
