"""A configuration as the CellMap toolbox documents it, with every key of its documentation."""

EXAMPLE = """
# A training of a 2D network
from upath import UPath
from cellmap_segmentation_challenge.models import UNet_2D

base_experiment_path = UPath("./")
model_save_path = UPath("checkpoints/{model_name}_{epoch}.pth").path
logs_save_path = UPath("tensorboard/{model_name}").path
datasplit_path = "datasplit.csv"
validation_prob = 0.3
learning_rate = 1e-3 / 10
batch_size = 4
input_array_info = {"shape": (1, 32, 32), "scale": (8, 8, 8)}
target_array_info = input_array_info
epochs = 3
iterations_per_epoch = 2
random_seed = 42
classes = ["mito", "er"]
model_name = "2d_unet"
model_to_load = "2d_unet"
model_kwargs = {}
model = UNet_2D(1, len(classes))
load_model = "latest"
spatial_transforms = {
    "mirror": {"axes": {"x": 0.5, "y": 0.1}},
    "transpose": {"axes": ["x", "y"]},
    "rotate": {"axes": {"x": [-180, 180], "y": [-180, 180]}},
}
validation_time_limit = 5
validation_batch_limit = 2
device = "cpu"
use_s3 = False

if __name__ == "__main__":
    from cellmap_segmentation_challenge import train

    train(__file__)
"""
