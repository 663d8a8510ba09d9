"""Pictures of the stand-in, drawn by PyBullet's software renderer: no window and no GPU."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robots.robot import Array
from robots.sim.world import World

DISTANCE = 1.15  # m from the robot
YAW, PITCH = 40.0, -22.0  # degrees; fixed in the world, so that a turning robot is seen turning
FIELD_OF_VIEW = 45.0  # degrees
TILE = 2.0  # m, the checkerboard's period
SCENERY_MASK = 0  # collides with nothing


class Camera:
    """Follows the robot's position over a checkered floor. The floor is scenery: no physics in it."""

    def __init__(self, world: World):
        self._world = world
        p = world.bullet
        self._floor: int = p.loadURDF(str(world.data / "plane.urdf"), physicsClientId=world.client)
        p.setCollisionFilterGroupMask(self._floor, -1, SCENERY_MASK, SCENERY_MASK, world.client)

    def follow(self) -> None:
        """Turn the window, where there is one, to the robot."""
        p = self._world.bullet
        p.resetDebugVisualizerCamera(
            DISTANCE, YAW, PITCH, self._target().tolist(), physicsClientId=self._world.client
        )

    def image(self, width: int, height: int, distance: float = DISTANCE) -> NDArray[np.uint8]:
        """The scene now, from ``distance`` m, ``[height, width, 3]`` RGB."""
        p, client = self._world.bullet, self._world.client
        target = self._target()
        x, y, _ = target
        tile = [TILE * round(x / TILE), TILE * round(y / TILE), 0.0]
        p.resetBasePositionAndOrientation(self._floor, tile, [0, 0, 0, 1], client)
        view = p.computeViewMatrixFromYawPitchRoll(target.tolist(), distance, YAW, PITCH, 0.0, 2, client)
        lens = p.computeProjectionMatrixFOV(FIELD_OF_VIEW, width / height, 0.05, 20.0, client)
        _, _, pixels, _, _ = p.getCameraImage(
            width,
            height,
            view,
            lens,
            lightDirection=[x + 1.0, y - 1.0, 3.0],
            renderer=p.ER_TINY_RENDERER,
            flags=p.ER_NO_SEGMENTATION_MASK,
            physicsClientId=client,
        )
        rgba = np.asarray(pixels, np.uint8).reshape(height, width, 4)
        return np.ascontiguousarray(rgba[:, :, :3])

    def _target(self) -> Array:
        """What the camera looks at, ``[3]`` m."""
        x, y, z = self._world.base().position
        return np.array([x, y, 0.6 * z + 0.05])
