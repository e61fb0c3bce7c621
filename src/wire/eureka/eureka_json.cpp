#include "wire/eureka/eureka_json.hpp"

#include <fmt/format.h>

#include "wire/json/json.hpp"

namespace market::wire::eureka {
namespace {

using OptionalText = std::optional<std::string>;

void member_if_any(JsonWriter& json, std::string_view key, const OptionalText& text) {
  if (text) json.member(key, *text);
}

/// A number that clients expect as a string.
void quoted_member(JsonWriter& json, std::string_view key, std::int64_t number) {
  const fmt::format_int digits(number);
  json.member(key, std::string_view(digits.data(), digits.size()));
}

void write_port(JsonWriter& json, std::string_view name, const registry::Port& port) {
  json.key(name).begin_object().member("$", port.number);
  json.member("@enabled", port.enabled ? "true" : "false").end_object();
}

void write_entries(JsonWriter& json, const registry::Metadata& entries) {
  json.begin_object();
  for (const auto& [key, value] : entries) json.member(key, value);
  json.end_object();
}

void write_data_center(JsonWriter& json, const registry::DataCenter& center) {
  json.key("dataCenterInfo").begin_object();
  json.member("@class", center.java_class).member("name", center.name);
  if (center.metadata) write_entries(json.key("metadata"), *center.metadata);
  json.end_object();
}

void write_lease(JsonWriter& json, const registry::LeaseInfo& lease) {
  json.key("leaseInfo").begin_object();
  json.member("renewalIntervalInSecs", lease.renewal_seconds);
  json.member("durationInSecs", lease.duration_seconds);
  json.member("registrationTimestamp", lease.registered_ms);
  json.member("lastRenewalTimestamp", lease.renewed_ms);
  json.member("evictionTimestamp", lease.evicted_ms);
  json.member("serviceUpTimestamp", lease.up_ms);
  json.end_object();
}

void write_metadata(JsonWriter& json, const registry::Metadata& metadata) {
  json.key("metadata");
  if (metadata.empty())
    json.begin_object().member("@class", "java.util.Collections$EmptyMap").end_object();
  else
    write_entries(json, metadata);
}

void write_instance(JsonWriter& json, const RegisteredInstance& instance, Detail detail) {
  const bool full = detail == Detail::full;
  json.begin_object();
  member_if_any(json, "instanceId", instance.id);
  json.member("hostName", instance.host);
  json.member("app", instance.app);
  json.member("ipAddr", instance.ip);
  if (full && instance.sid != "na") member_if_any(json, "sid", instance.sid);
  json.member("status", name_of(instance.status));
  if (full) json.member("overriddenStatus", name_of(instance.overridden));
  write_port(json, "port", instance.port);
  write_port(json, "securePort", instance.secure_port);
  if (full) json.member("countryId", 1);
  write_data_center(json, instance.data_center);
  if (full) {
    write_lease(json, instance.lease);
    write_metadata(json, instance.metadata);
    member_if_any(json, "homePageUrl", instance.home_page_url);
    member_if_any(json, "statusPageUrl", instance.status_page_url);
    member_if_any(json, "healthCheckUrl", instance.health_check_url);
    member_if_any(json, "secureHealthCheckUrl", instance.secure_health_check_url);
    member_if_any(json, "appGroupName", instance.app_group);
  }
  member_if_any(json, "asgName", instance.asg);
  member_if_any(json, "vipAddress", instance.vip);
  member_if_any(json, "secureVipAddress", instance.secure_vip);
  if (full) json.member("isCoordinatingDiscoveryServer", instance.coordinating ? "true" : "false");
  quoted_member(json, "lastUpdatedTimestamp", instance.updated_ms);
  if (full) quoted_member(json, "lastDirtyTimestamp", instance.dirty_ms);
  json.member("actionType", name_of(instance.action));
  json.end_object();
}

}  // namespace

JsonApplications::JsonApplications(Detail detail) : detail_(detail) {
  json_.begin_object().key("applications").begin_object().key("application").begin_array();
}

void JsonApplications::add(const RegisteredInstance& instance) {
  if (app_ != instance.app) {
    if (!app_.empty()) json_.end_array().end_object();
    app_ = instance.app;
    json_.begin_object().member("name", app_).key("instance").begin_array();
  }
  write_instance(json_, instance, detail_);
}

std::string JsonApplications::finish(std::string_view version, std::string_view hash) {
  if (!app_.empty()) json_.end_array().end_object();
  json_.end_array().member("versions__delta", version).member("apps__hashcode", hash);
  json_.end_object().end_object();
  return std::move(text_);
}

std::string json_application(std::string_view name, const std::vector<RegisteredInstance>& instances,
                             Detail detail) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("application").begin_object().member("name", name).key("instance").begin_array();
  for (const RegisteredInstance& instance : instances) write_instance(json, instance, detail);
  json.end_array().end_object().end_object();
  return text;
}

std::string json_instance(const RegisteredInstance& instance, Detail detail) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("instance");
  write_instance(json, instance, detail);
  json.end_object();
  return text;
}

std::string json_change(std::uint64_t version, const RegisteredInstance& instance) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().member("version", version).key("instance");
  write_instance(json, instance, Detail::full);
  json.end_object();
  return text;
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
    case Replicated::What::unreadable:
      break;  // Never sent.
  }
  return "Heartbeat";
}

}  // namespace

std::string json_batch(const std::vector<Replicated>& items) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("replicationList").begin_array();
  for (const Replicated& item : items) {
    json.begin_object().member("appName", item.app).member("id", item.id);
    if (item.dirty_ms) json.member("lastDirtyTimestamp", *item.dirty_ms);
    if (item.status) json.member("status", registry::name_of(*item.status));
    if (item.overridden) json.member("overriddenStatus", registry::name_of(*item.overridden));
    if (item.instance) write_instance(json.key("instanceInfo"), *item.instance, Detail::full);
    json.member("action", name_of(item.what)).end_object();
  }
  json.end_array().end_object();
  return text;
}

std::string json_batch_answer(const std::vector<ReplicationAnswer>& answers) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("responseList").begin_array();
  for (const ReplicationAnswer& answer : answers) {
    json.begin_object().member("statusCode", answer.status);
    if (answer.instance) write_instance(json.key("responseEntity"), *answer.instance, Detail::full);
    json.end_object();
  }
  json.end_array().end_object();
  return text;
}

}  // namespace market::wire::eureka
