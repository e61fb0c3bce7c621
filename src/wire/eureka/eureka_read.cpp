// Eureka's JSON, read tolerantly.
#include <fmt/format.h>

#include <cmath>

#include "wire/eureka/eureka_json.hpp"
#include "wire/eureka/read_values.hpp"
#include "wire/json/json.hpp"

namespace market::wire::eureka {
namespace {

namespace json = boost::json;
using registry::Status;

const json::value* member(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found && !found->is_null() ? found : nullptr;
}

std::string text_of(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  if (const auto* flag = value.if_bool()) return *flag ? "true" : "false";
  if (const auto* number = value.if_int64()) return std::to_string(*number);
  if (const auto* number = value.if_uint64()) return std::to_string(*number);
  if (const auto* number = value.if_double()) return fmt::format("{}", *number);
  return {};
}

std::optional<std::int64_t> number_of(const json::value& value) {
  constexpr double exactly_whole = 9e15;
  if (const auto* number = value.if_double(); number && std::abs(*number) < exactly_whole) {
    const auto whole = static_cast<std::int64_t>(*number);
    if (static_cast<double>(whole) == *number) return whole;
  }
  return parse_number(text_of(value));
}

std::optional<std::string> text_if_any(const json::object& object, std::string_view name) {
  const auto* value = member(object, name);
  return value ? std::optional(text_of(*value)) : std::nullopt;
}

std::string text_member(const json::object& object, std::string_view name) {
  return text_if_any(object, name).value_or("");
}

std::int64_t number_member(const json::object& object, std::string_view name, std::int64_t fallback) {
  const auto* value = member(object, name);
  return value ? number_of(*value).value_or(fallback) : fallback;
}

registry::Port port_member(const json::object& object, std::string_view name, registry::Port fallback) {
  const auto* value = member(object, name);
  if (!value) return fallback;
  const auto* port = value->if_object();
  if (!port) return {number_of(*value).value_or(unreadable_port), fallback.enabled};
  registry::Port result = fallback;
  if (const auto* number = member(*port, "$")) result.number = number_of(*number).value_or(unreadable_port);
  if (const auto* enabled = member(*port, "@enabled")) result.enabled = is_true(text_of(*enabled));
  return result;
}

std::optional<registry::Metadata> entries_member(const json::object& object, std::string_view name) {
  const auto* value = member(object, name);
  const auto* members = value ? value->if_object() : nullptr;
  if (!members) return std::nullopt;
  registry::Metadata entries;
  for (const auto& entry : *members)
    if (is_metadata_key(entry.key()) && !entry.value().is_null())
      entries.emplace(std::string(entry.key()), text_of(entry.value()));
  return entries;
}

Status status_member(const json::object& object, std::string_view name, Status fallback) {
  const auto* value = member(object, name);
  if (!value) return fallback;
  const auto status = registry::parse_status(text_of(*value));
  if (status) return *status;
  // As Netflix: a status that nobody knows is UNKNOWN.
  return Status::unknown;
}

void read_lease(const json::object& object, registry::LeaseInfo& lease) {
  const auto* value = member(object, "leaseInfo");
  const auto* info = value ? value->if_object() : nullptr;
  if (!info) return;
  lease.renewal_seconds =
      lease_seconds(number_member(*info, "renewalIntervalInSecs", 0), lease.renewal_seconds);
  lease.duration_seconds = lease_seconds(number_member(*info, "durationInSecs", 0), lease.duration_seconds);
  lease.registered_ms = number_member(*info, "registrationTimestamp", 0);
  lease.renewed_ms = number_member(*info, "lastRenewalTimestamp", 0);
  lease.evicted_ms = number_member(*info, "evictionTimestamp", 0);
  lease.up_ms = number_member(*info, "serviceUpTimestamp", 0);
}

/// Without a name when there is none.
registry::DataCenter data_center_member(const json::object& object) {
  const auto* value = member(object, "dataCenterInfo");
  const auto* info = value ? value->if_object() : nullptr;
  if (!info) return data_center_of({}, {}, std::nullopt);
  return data_center_of(text_member(*info, "@class"), text_member(*info, "name"),
                        entries_member(*info, "metadata"));
}

/// Nullopt: not even an object.
std::optional<RegisteredInstance> read_instance(const json::value* value) {
  const auto* object = value ? value->if_object() : nullptr;
  if (!object) return std::nullopt;
  RegisteredInstance instance;
  instance.id = text_if_any(*object, "instanceId");
  instance.host = text_member(*object, "hostName");
  instance.app = registry::upper(text_member(*object, "app"));
  instance.ip = text_member(*object, "ipAddr");
  instance.sid = text_if_any(*object, "sid");
  instance.app_group = text_if_any(*object, "appGroupName");
  instance.asg = text_if_any(*object, "asgName");
  instance.home_page_url = text_if_any(*object, "homePageUrl");
  instance.status_page_url = text_if_any(*object, "statusPageUrl");
  instance.health_check_url = text_if_any(*object, "healthCheckUrl");
  instance.secure_health_check_url = text_if_any(*object, "secureHealthCheckUrl");
  instance.vip = text_if_any(*object, "vipAddress");
  instance.secure_vip = text_if_any(*object, "secureVipAddress");
  instance.status = status_member(*object, "status", Status::up);
  const auto* spelt = member(*object, "overriddenStatus");
  instance.overridden =
      status_member(*object, spelt ? "overriddenStatus" : "overriddenstatus", Status::unknown);
  instance.port = port_member(*object, "port", instance.port);
  instance.secure_port = port_member(*object, "securePort", instance.secure_port);
  instance.data_center = data_center_member(*object);
  read_lease(*object, instance.lease);
  instance.metadata = entries_member(*object, "metadata").value_or(registry::Metadata());
  instance.coordinating = is_true(text_member(*object, "isCoordinatingDiscoveryServer"));
  instance.updated_ms = number_member(*object, "lastUpdatedTimestamp", 0);
  instance.dirty_ms = number_member(*object, "lastDirtyTimestamp", 0);
  const std::string action = text_member(*object, "actionType");
  instance.action = action == "DELETED"    ? registry::Action::deleted
                    : action == "MODIFIED" ? registry::Action::modified
                                           : registry::Action::added;
  return instance;
}

Result<json::object> parse_object(std::string_view text) {
  auto value = parse_json(text);
  if (!value) return tl::unexpected(value.error());
  if (!value->is_object()) return fail(Code::validation, "the body must be a JSON object");
  return std::move(value->get_object());
}

/// Calls `visit` for each element; a bare object counts as one.
template <class Visit>
void each_element(const json::value* value, Visit visit) {
  if (!value) return;
  if (const auto* array = value->if_array()) {
    for (const auto& element : *array) visit(element);
  } else if (value->is_object()) {
    visit(*value);
  }
}

Replicated::What parse_what(std::string_view name) {
  using enum Replicated::What;
  if (name == "Register") return enroll;
  if (name == "Heartbeat") return heartbeat;
  if (name == "Cancel") return cancel;
  if (name == "StatusUpdate") return status_update;
  if (name == "DeleteStatusOverride") return delete_override;
  return unreadable;
}

}  // namespace

Result<RegisteredInstance> parse_json_instance(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return tl::unexpected(object.error());
  auto instance = read_instance(member(*object, "instance"));
  if (!instance) return fail(Code::validation, "the body must be {\"instance\":{...}}");
  return std::move(*instance);
}

Result<Applications> parse_json_applications(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return tl::unexpected(object.error());
  const auto* value = member(*object, "applications");
  if (!value || !value->is_object()) return fail(Code::validation, "the answer has no applications");
  const auto& body = value->get_object();
  Applications applications;
  applications.version = text_member(body, "versions__delta");
  applications.hash = text_member(body, "apps__hashcode");
  each_element(member(body, "application"), [&](const json::value& application) {
    if (!application.is_object()) return;
    each_element(member(application.get_object(), "instance"), [&](const json::value& element) {
      if (auto instance = read_instance(&element)) applications.instances.push_back(std::move(*instance));
    });
  });
  return applications;
}

Result<std::vector<Replicated>> parse_json_batch(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return tl::unexpected(object.error());
  const auto* list = member(*object, "replicationList");
  if (!list) return fail(Code::validation, "the body has no replicationList");
  std::vector<Replicated> items;
  each_element(list, [&](const json::value& element) {
    Replicated& replicated = items.emplace_back();
    replicated.what = Replicated::What::unreadable;
    const auto* item = element.if_object();
    if (!item) return;
    replicated.what = parse_what(text_member(*item, "action"));
    replicated.app = registry::upper(text_member(*item, "appName"));
    replicated.id = text_member(*item, "id");
    if (member(*item, "lastDirtyTimestamp"))
      replicated.dirty_ms = number_member(*item, "lastDirtyTimestamp", 0);
    replicated.status = registry::parse_status(text_member(*item, "status"));
    replicated.overridden = registry::parse_status(text_member(*item, "overriddenStatus"));
    replicated.instance = read_instance(member(*item, "instanceInfo"));
  });
  return items;
}

Result<std::vector<ReplicationAnswer>> parse_json_batch_answer(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return tl::unexpected(object.error());
  std::vector<ReplicationAnswer> answers;
  each_element(member(*object, "responseList"), [&](const json::value& element) {
    ReplicationAnswer answer;
    if (const auto* item = element.if_object()) {
      answer.status = static_cast<int>(number_member(*item, "statusCode", 0));
      answer.instance = read_instance(member(*item, "responseEntity"));
    }
    answers.push_back(std::move(answer));
  });
  return answers;
}

}  // namespace market::wire::eureka
