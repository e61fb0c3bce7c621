// Eureka's JSON, read tolerantly.
#include <charconv>

#include "wire/eureka/eureka_json.hpp"
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
  return {};
}

std::int64_t number_of(const json::value& value, std::int64_t fallback) {
  const std::string text = text_of(value);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : fallback;
}

std::string text_member(const json::object& object, std::string_view name) {
  const auto* value = member(object, name);
  return value ? text_of(*value) : std::string();
}

std::int64_t number_member(const json::object& object, std::string_view name, std::int64_t fallback) {
  const auto* value = member(object, name);
  return value ? number_of(*value, fallback) : fallback;
}

registry::Port port_member(const json::object& object, std::string_view name, registry::Port fallback) {
  const auto* value = member(object, name);
  if (!value) return fallback;
  const auto* port = value->if_object();
  if (!port) return {number_of(*value, fallback.number), fallback.enabled};
  registry::Port result = fallback;
  result.number = number_member(*port, "$", fallback.number);
  if (const auto* enabled = member(*port, "@enabled")) result.enabled = text_of(*enabled) == "true";
  return result;
}

std::map<std::string, std::string> texts_member(const json::object& object, std::string_view name) {
  std::map<std::string, std::string> texts;
  const auto* value = member(object, name);
  const auto* entries = value ? value->if_object() : nullptr;
  if (!entries) return texts;
  for (const auto& entry : *entries)
    if (entry.key() != "@class" && !entry.value().is_null())
      texts.emplace(std::string(entry.key()), text_of(entry.value()));
  return texts;
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
  const auto positive = [info](std::string_view name, std::int64_t fallback) {
    const auto seconds = number_member(*info, name, fallback);
    constexpr std::int64_t longest = 7 * 24 * 3600;
    return seconds > 0 ? std::min(seconds, longest) : fallback;
  };
  lease.renewal_seconds = positive("renewalIntervalInSecs", lease.renewal_seconds);
  lease.duration_seconds = positive("durationInSecs", lease.duration_seconds);
  lease.registered_ms = number_member(*info, "registrationTimestamp", 0);
  lease.renewed_ms = number_member(*info, "lastRenewalTimestamp", 0);
  lease.evicted_ms = number_member(*info, "evictionTimestamp", 0);
  lease.up_ms = number_member(*info, "serviceUpTimestamp", 0);
}

/// False: not even an object. `has_data_center` tells whether a named data centre was there.
bool read_instance(const json::value& value, Instance& instance, bool& has_data_center) {
  const auto* object = value.if_object();
  if (!object) return false;
  instance.id = text_member(*object, "instanceId");
  instance.host = text_member(*object, "hostName");
  instance.app = text_member(*object, "app");
  instance.ip = text_member(*object, "ipAddr");
  instance.sid = text_member(*object, "sid");
  instance.app_group = text_member(*object, "appGroupName");
  instance.asg = text_member(*object, "asgName");
  instance.home_page_url = text_member(*object, "homePageUrl");
  instance.status_page_url = text_member(*object, "statusPageUrl");
  instance.health_check_url = text_member(*object, "healthCheckUrl");
  instance.secure_health_check_url = text_member(*object, "secureHealthCheckUrl");
  instance.vip = text_member(*object, "vipAddress");
  instance.secure_vip = text_member(*object, "secureVipAddress");
  instance.status = status_member(*object, "status", Status::up);
  const auto* spelt = member(*object, "overriddenStatus");
  instance.overridden =
      status_member(*object, spelt ? "overriddenStatus" : "overriddenstatus", Status::unknown);
  instance.port = port_member(*object, "port", instance.port);
  instance.secure_port = port_member(*object, "securePort", instance.secure_port);
  has_data_center = false;
  if (const auto* center = member(*object, "dataCenterInfo"); center && center->is_object()) {
    const auto& info = center->get_object();
    const std::string name = text_member(info, "name");
    has_data_center = !name.empty();
    if (has_data_center) instance.data_center = name;
    if (const auto type = text_member(info, "@class"); !type.empty()) instance.data_center_class = type;
    instance.data_center_metadata = texts_member(info, "metadata");
  }
  read_lease(*object, instance.lease);
  instance.metadata = texts_member(*object, "metadata");
  instance.coordinating = text_member(*object, "isCoordinatingDiscoveryServer") == "true";
  instance.updated_ms = number_member(*object, "lastUpdatedTimestamp", 0);
  instance.dirty_ms = number_member(*object, "lastDirtyTimestamp", 0);
  const std::string action = text_member(*object, "actionType");
  instance.action = action == "DELETED"    ? registry::Action::deleted
                    : action == "MODIFIED" ? registry::Action::modified
                                           : registry::Action::added;
  return true;
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

std::optional<Replicated::What> parse_what(std::string_view name) {
  using enum Replicated::What;
  if (name == "Register") return enroll;
  if (name == "Heartbeat") return heartbeat;
  if (name == "Cancel") return cancel;
  if (name == "StatusUpdate") return status_update;
  if (name == "DeleteStatusOverride") return delete_override;
  return std::nullopt;
}

}  // namespace

Result<> check_registration(const Instance& instance, bool has_data_center) {
  constexpr std::size_t longest = 1024;
  if (instance.host.empty() || instance.ip.empty() || instance.app.empty() || !has_data_center)
    return fail(Code::validation, "hostName, ipAddr, app and dataCenterInfo with its name are needed");
  for (const std::string* text : {&instance.id, &instance.host, &instance.app, &instance.ip})
    for (const char c : *text)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '/' || text->size() > longest)
        return fail(Code::validation, "id, host, address or app has a bad character or is too long");
  for (const auto* texts : {&instance.metadata, &instance.data_center_metadata})
    if (const auto ok = registry::check_metadata(*texts); !ok) return ok;
  const auto is_port = [](const registry::Port& port) { return port.number >= 0 && port.number <= 65'535; };
  if (!is_port(instance.port) || !is_port(instance.secure_port))
    return fail(Code::validation, "a port is a number from 0 to 65535");
  return {};
}

Result<Instance> parse_json_instance(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return tl::unexpected(object.error());
  Instance instance;
  bool has_data_center = false;
  const auto* value = member(*object, "instance");
  if (!value || !read_instance(*value, instance, has_data_center))
    return fail(Code::validation, "the body must be {\"instance\":{...}}");
  if (const auto ok = check_registration(instance, has_data_center); !ok) return tl::unexpected(ok.error());
  return instance;
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
      Instance instance;
      bool has_data_center = false;
      if (read_instance(element, instance, has_data_center) && check_registration(instance, true))
        applications.instances.push_back(std::move(instance));
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
  std::optional<Error> wrong;
  each_element(list, [&](const json::value& element) {
    const auto* item = element.if_object();
    const auto what = item ? parse_what(text_member(*item, "action")) : std::nullopt;
    if (!what) {
      wrong.emplace(Code::validation, "an item of the batch has no action");
      return;
    }
    Replicated replicated;
    replicated.what = *what;
    replicated.app = registry::upper(text_member(*item, "appName"));
    replicated.id = text_member(*item, "id");
    if (member(*item, "lastDirtyTimestamp"))
      replicated.dirty_ms = number_member(*item, "lastDirtyTimestamp", 0);
    replicated.status = registry::parse_status(text_member(*item, "status"));
    replicated.overridden = registry::parse_status(text_member(*item, "overriddenStatus"));
    Instance instance;
    bool has_data_center = false;
    const auto* info = member(*item, "instanceInfo");
    if (info && read_instance(*info, instance, has_data_center) &&
        check_registration(instance, has_data_center))
      replicated.instance = std::move(instance);
    items.push_back(std::move(replicated));
  });
  if (wrong) return tl::unexpected(*wrong);
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
      Instance instance;
      bool has_data_center = false;
      const auto* entity = member(*item, "responseEntity");
      if (entity && read_instance(*entity, instance, has_data_center) && check_registration(instance, true))
        answer.instance = std::move(instance);
    }
    answers.push_back(std::move(answer));
  });
  return answers;
}

}  // namespace market::wire::eureka
