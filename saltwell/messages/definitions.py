"""Message definitions as MCAP schema records want them (encoding ros2msg): the type, then all it is made of."""

_SEPARATOR = "=" * 80

_PARTS = {
    "builtin_interfaces/Time": "int32 sec\nuint32 nanosec",
    "std_msgs/Header": "builtin_interfaces/Time stamp\nstring frame_id",
    "geometry_msgs/Point": "float64 x\nfloat64 y\nfloat64 z",
    "geometry_msgs/Vector3": "float64 x\nfloat64 y\nfloat64 z",
    "geometry_msgs/Quaternion": "float64 x\nfloat64 y\nfloat64 z\nfloat64 w",
    "geometry_msgs/Pose": "geometry_msgs/Point position\ngeometry_msgs/Quaternion orientation",
    "sensor_msgs/RegionOfInterest": """\
uint32 x_offset
uint32 y_offset
uint32 height
uint32 width
bool do_rectify""",
    "sensor_msgs/PointField": """\
uint8 INT8=1
uint8 UINT8=2
uint8 INT16=3
uint8 UINT16=4
uint8 INT32=5
uint8 UINT32=6
uint8 FLOAT32=7
uint8 FLOAT64=8
string name
uint32 offset
uint8 datatype
uint32 count""",
}

_HEADER = ("std_msgs/Header", "builtin_interfaces/Time")


def _with_parts(text: str, *parts: str) -> str:
    return "\n".join([text, *(f"{_SEPARATOR}\nMSG: {part}\n{_PARTS[part]}" for part in parts)]) + "\n"


POINT_CLOUD_2 = _with_parts(
    """\
std_msgs/Header header
uint32 height
uint32 width
sensor_msgs/PointField[] fields
bool is_bigendian
uint32 point_step
uint32 row_step
uint8[] data
bool is_dense""",
    *_HEADER,
    "sensor_msgs/PointField",
)

DEFINITIONS = {
    "std_msgs/msg/String": _with_parts("string data"),
    "sensor_msgs/msg/CompressedImage": _with_parts(
        "std_msgs/Header header\nstring format\nuint8[] data",
        *_HEADER,
    ),
    "sensor_msgs/msg/Image": _with_parts(
        """\
std_msgs/Header header
uint32 height
uint32 width
string encoding
uint8 is_bigendian
uint32 step
uint8[] data""",
        *_HEADER,
    ),
    "sensor_msgs/msg/PointCloud2": POINT_CLOUD_2,
    "sensor_msgs/msg/JointState": _with_parts(
        "std_msgs/Header header\nstring[] name\nfloat64[] position\nfloat64[] velocity\nfloat64[] effort",
        *_HEADER,
    ),
    "geometry_msgs/msg/PoseStamped": _with_parts(
        "std_msgs/Header header\ngeometry_msgs/Pose pose",
        *_HEADER,
        "geometry_msgs/Pose",
        "geometry_msgs/Point",
        "geometry_msgs/Quaternion",
    ),
    "sensor_msgs/msg/Imu": _with_parts(
        """\
std_msgs/Header header
geometry_msgs/Quaternion orientation
float64[9] orientation_covariance
geometry_msgs/Vector3 angular_velocity
float64[9] angular_velocity_covariance
geometry_msgs/Vector3 linear_acceleration
float64[9] linear_acceleration_covariance""",
        *_HEADER,
        "geometry_msgs/Quaternion",
        "geometry_msgs/Vector3",
    ),
    "sensor_msgs/msg/CameraInfo": _with_parts(
        """\
std_msgs/Header header
uint32 height
uint32 width
string distortion_model
float64[] d
float64[9] k
float64[9] r
float64[12] p
uint32 binning_x
uint32 binning_y
sensor_msgs/RegionOfInterest roi""",
        *_HEADER,
        "sensor_msgs/RegionOfInterest",
    ),
}
"""By type name, such as sensor_msgs/msg/Image."""
